//! Accounts by the names that people know them by.

use onelastai_types::UserId;

use crate::{
    IdentityError, IdentityService,
    users::{self, Person},
};

impl IdentityService {
    /// The account of the person whom Keycloak knows by `username`, made where they have none
    /// here yet.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] where Keycloak knows nobody of that name, or no client is
    /// set up to ask; [`IdentityError::Disabled`] for a closed account; or where Keycloak or
    /// the database is away.
    pub async fn account_named(&self, username: &str) -> Result<UserId, IdentityError> {
        let known = self.keycloak().user_named(username).await?;
        let person = Person::new(
            &self.settings().issuer(),
            &known.id,
            Some(&known.username),
            Some(&known.full_name()),
            known.email,
            known.email_verified,
            None,
        );
        Ok(users::of_token(self.pool(), &person).await?.0)
    }
}
