//! What the owners of keys and tokens may do now, as Keycloak says; remembered for a while, for
//! each replica.
//!
//! | age of the answer | what a request does |
//! |---|---|
//! | under [`Trust::rights_early`] | goes on |
//! | up to [`Trust::rights_limit`] | has Keycloak asked, and goes on |
//! | more | has Keycloak asked, and waits for the answer, at most [`WAIT`] |
//!
//! While Keycloak can't be asked, callers go on with its last answer until that is
//! [`Trust::rights_last`] old. Nothing is made up: without an answer nobody is let in.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::sync::Cache;
use onelastai_identity::{IdentityError, IdentityService, Rights};
use onelastai_types::UserId;
use tokio::time::timeout_at;

use crate::{AccessError, Trust};

/// The most people of whom something is remembered.
const MOST: u64 = 100_000;
/// How long a request waits for an answer.
const WAIT: Duration = Duration::from_secs(3);
/// After a failure Keycloak is left alone for so long.
const PAUSE: Duration = Duration::from_secs(5);
/// For so long after a failure requests don't wait for the next attempt, where the last answer
/// is good enough.
const AFTERMATH: Duration = Duration::from_secs(30);

pub(crate) struct RightsCache {
    identity: IdentityService,
    people: Cache<UserId, Arc<Person>>,
    trust: Trust,
}

#[derive(Default)]
struct Person {
    state: Mutex<State>,
    /// Held by the one who asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Default)]
struct State {
    /// The last answer, and when it was asked for.
    known: Option<(Arc<Rights>, Instant)>,
    /// When the attempt that is under way began.
    asked_at: Option<Instant>,
    /// When the last attempt failed; gone once one did not.
    failed_at: Option<Instant>,
}

impl State {
    fn known_for(&self, age: Duration) -> Option<Arc<Rights>> {
        self.known
            .as_ref()
            .filter(|(_, at)| at.elapsed() < age)
            .map(|(rights, _)| Arc::clone(rights))
    }

    fn failed_within(&self, time: Duration) -> bool {
        self.failed_at.is_some_and(|at| at.elapsed() < time)
    }
}

impl Person {
    fn state(&self) -> State {
        self.with(|state| state.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has Keycloak asked, unless somebody is at it or it failed just now.
    fn ask(self: &Arc<Self>, identity: &IdentityService, user: UserId) {
        if self.state().failed_within(PAUSE) {
            return;
        }
        let Ok(guard) = Arc::clone(&self.asking).try_lock_owned() else {
            return;
        };
        let asked_at = Instant::now();
        self.with(|state| state.asked_at = Some(asked_at));
        let (person, identity) = (Arc::clone(self), identity.clone());
        // A task of its own: the answer is for everybody, not only for who asked first.
        tokio::spawn(async move {
            let answer = match identity.rights(user).await {
                // Of another realm: nobody can say that they may do anything.
                Err(IdentityError::NotFound) => Ok(Rights::default()),
                other => other,
            };
            person.with(|state| {
                state.asked_at = None;
                match answer {
                    Ok(rights) => {
                        state.known = Some((Arc::new(rights), asked_at));
                        state.failed_at = None;
                    }
                    Err(error) => {
                        tracing::warn!(%error, %user, "can't ask what a caller may do");
                        state.failed_at = Some(Instant::now());
                    }
                }
            });
            drop(guard);
        });
    }
}

impl RightsCache {
    pub(crate) fn new(identity: IdentityService, trust: Trust) -> Self {
        let people = Cache::builder()
            .max_capacity(MOST)
            .time_to_idle(trust.rights_last)
            .build();
        Self {
            identity,
            people,
            trust,
        }
    }

    /// What a person may do now.
    ///
    /// # Errors
    /// [`AccessError::Unavailable`] where nobody knows.
    pub(crate) async fn of(&self, user: UserId) -> Result<Arc<Rights>, AccessError> {
        let person = self.people.get_with(user, Arc::default);
        let state = person.state();
        if let Some(rights) = state.known_for(self.trust.rights_early) {
            return Ok(rights);
        }
        person.ask(&self.identity, user);
        if let Some(rights) = state.known_for(self.trust.rights_limit) {
            return Ok(rights);
        }
        let last = state.known_for(self.trust.rights_last);
        if last.is_none() || !state.failed_within(AFTERMATH) {
            let began = person.state().asked_at.unwrap_or_else(Instant::now);
            let end = tokio::time::Instant::from_std(began + WAIT);
            // Free again once there is an answer. Who comes too late does not wait.
            drop(timeout_at(end, person.asking.lock()).await);
        }
        person
            .state()
            .known_for(self.trust.rights_last)
            .ok_or_else(|| {
                let why = "nobody knows what this caller may do now";
                IdentityError::KeycloakUnavailable(why.to_owned()).into()
            })
    }
}
