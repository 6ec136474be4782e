//! Agents made of what is there already: a copy, or a file.

use onelastai_types::AgentId;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::{
    AgentDraft, AgentService, EditError, Editor, Visibility,
    check::check,
    draft::changes,
    error::unreadable,
    file,
    save::{audit, insert, lock, room, taken},
    slug::with_ending,
};

/// How many endings are tried before the person has to find a slug.
const TRIES: u32 = 200;
/// The longest name, in characters.
const NAME: usize = 80;
const COPY: &str = " (copy)";

/// An agent that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub id: AgentId,
    /// The slug that it got.
    pub slug: String,
}

/// Makes an agent with the first of the slugs that is free. Each try is an insert, so two
/// at once get two slugs.
async fn insert_with_free_slug(
    connection: &mut PgConnection,
    editor: &Editor,
    draft: &AgentDraft,
    slugs: impl Iterator<Item = String>,
) -> Result<(AgentId, AgentDraft), EditError> {
    for slug in slugs {
        let candidate = AgentDraft {
            slug,
            ..draft.clone()
        };
        let candidate = check(candidate, None, &editor.viewer).map_err(EditError::Invalid)?;
        if let Some(id) = insert(connection, editor.viewer.user, &candidate).await? {
            return Ok((id, candidate));
        }
    }
    Err(taken())
}

impl AgentService {
    /// Makes a copy, which belongs to who makes it and is private at first. Its slug is the
    /// first free one of `…-copy`, `…-copy-2` and so on.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit the original (a copy
    /// shows its instructions); [`EditError::Invalid`] where it doesn't pass today's rules.
    pub async fn duplicate(&self, editor: &Editor, agent: AgentId) -> Result<Made, EditError> {
        let mut transaction = self.pool.begin().await?;
        room(&mut transaction, editor.viewer.user).await?;
        let original = lock(&mut transaction, &editor.viewer, agent).await?.draft;
        let name: String = original
            .name
            .chars()
            .take(NAME - COPY.len())
            .chain(COPY.chars())
            .collect();
        let slugs = (1..TRIES).map(|n| match n {
            1 => with_ending(&original.slug, "-copy"),
            n => with_ending(&original.slug, &format!("-copy-{n}")),
        });
        let draft = AgentDraft {
            name,
            visibility: Visibility::Private,
            group: None,
            ..original.clone()
        };
        let (id, draft) = insert_with_free_slug(&mut transaction, editor, &draft, slugs).await?;
        let mut changed = changes(None, &draft).map_err(unreadable)?;
        changed.insert("copied_from".to_owned(), json!([null, agent]));
        audit(&mut transaction, editor, "agent.duplicate", id, changed).await?;
        transaction.commit().await?;
        Ok(Made {
            id,
            slug: draft.slug,
        })
    }

    /// An agent as a file (`docs/AGENT-FILE.md`): JSON, without its id, owner and history.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn export(&self, editor: &Editor, slug: &str) -> Result<String, EditError> {
        let agent = self.editable(&editor.viewer, slug).await?;
        let file = file::write(&agent.draft).map_err(unreadable)?;
        let mut transaction = self.pool.begin().await?;
        let taken = Map::from_iter([("version".to_owned(), json!([null, agent.version]))]);
        audit(&mut transaction, editor, "agent.export", agent.id, taken).await?;
        transaction.commit().await?;
        Ok(file)
    }

    /// Makes an agent of a file (`docs/AGENT-FILE.md`), which belongs to who makes it. Where
    /// its slug is taken it gets the first free one of `…-2`, `…-3` and so on.
    ///
    /// # Errors
    /// [`EditError::Invalid`] for a file that can't be read, with every field that is not
    /// known or not right; [`EditError::NotFound`] for who may not make agents.
    pub async fn import(&self, editor: &Editor, json: &str) -> Result<Made, EditError> {
        if !editor.viewer.may_create() {
            return Err(EditError::NotFound);
        }
        let draft = file::read(json).map_err(EditError::Invalid)?;
        let draft = check(draft, None, &editor.viewer).map_err(EditError::Invalid)?;
        let slugs = (1..TRIES).map(|n| match n {
            1 => draft.slug.clone(),
            n => with_ending(&draft.slug, &format!("-{n}")),
        });
        let mut transaction = self.pool.begin().await?;
        room(&mut transaction, editor.viewer.user).await?;
        let (id, draft) = insert_with_free_slug(&mut transaction, editor, &draft, slugs).await?;
        let mut changed: Map<String, Value> = changes(None, &draft).map_err(unreadable)?;
        changed.insert("imported".to_owned(), json!([null, true]));
        audit(&mut transaction, editor, "agent.create", id, changed).await?;
        transaction.commit().await?;
        Ok(Made {
            id,
            slug: draft.slug,
        })
    }
}
