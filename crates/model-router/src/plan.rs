//! Which models may answer a request, and in which order.

use crate::{
    chat::{ChatRequest, Format, Policy, ToolChoice},
    embed::EmbedRequest,
    error::{Absence, ModelError},
    registry::{Model, Registry},
    spec::{ModelKind, ModelSpec},
};

/// Fewer bytes than this for each token are rare, so what is counted with it does not fit.
const BYTES_PER_TOKEN: usize = 6;

/// What a request needs a model to be able to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    chat: bool,
    embeddings: bool,
    tools: bool,
    images: bool,
    json: bool,
    /// At least so many tokens are to be read.
    tokens: usize,
}

impl Needs {
    pub(crate) fn of_chat(request: &ChatRequest) -> Self {
        let bytes: usize = request.messages.iter().map(|it| it.content.len()).sum();
        Self {
            chat: true,
            embeddings: false,
            tools: !request.tools.is_empty() && request.tool_choice != ToolChoice::None,
            images: request.messages.iter().any(|it| !it.images.is_empty()),
            json: request.format != Format::Text,
            tokens: bytes / BYTES_PER_TOKEN,
        }
    }

    pub(crate) fn of_embed(request: &EmbedRequest) -> Self {
        let longest = request.inputs.iter().map(String::len).max();
        Self {
            embeddings: true,
            tokens: longest.unwrap_or_default() / BYTES_PER_TOKEN,
            ..Self::default()
        }
    }

    fn met_by(&self, model: &ModelSpec) -> Result<(), ModelError> {
        let can = model.capabilities;
        let unmet = [
            (self.chat && !can.chat, "answer conversations"),
            (self.embeddings && !can.embeddings, "make vectors"),
            (self.tools && !can.tools, "call tools"),
            (self.images && !can.images, "see pictures"),
            (self.json && !can.json, "write to a schema"),
        ];
        if let Some((_, what)) = unmet.into_iter().find(|(unmet, _)| *unmet) {
            return Err(ModelError::Unsupported(what));
        }
        if self.tokens > model.context_length as usize {
            return Err(ModelError::RequestTooLarge);
        }
        Ok(())
    }
}

/// Whose request it is, what it names, and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) names: &'a [String],
    pub(crate) policy: &'a Policy,
    pub(crate) needs: Needs,
    /// Whether local models may be used at all.
    pub(crate) enabled: bool,
}

/// The models by how much they are wanted. A rank is looked at only if the one before has no
/// instance that is well, or no room in its queues.
pub(crate) const RANKS: usize = 3;

impl Demand<'_> {
    /// The models of one rank: those that are named, in their order; all others; and those that
    /// others run. Without names all local ones are of the first rank.
    pub(crate) fn rank(&self, registry: &Registry, rank: usize) -> Vec<usize> {
        let named = !self.names.is_empty();
        match (rank, named) {
            (0, true) => {
                let mut models = Vec::with_capacity(self.names.len());
                for name in self.names {
                    match registry.find(name) {
                        Some(at) if !models.contains(&at) && self.allows(registry.model(at)) => {
                            models.push(at);
                        }
                        _ => {}
                    }
                }
                models
            }
            (0, false) | (1, true) if rank == 0 || !self.policy.strict => {
                self.others(registry, ModelKind::Local)
            }
            (2, named) if !named || !self.policy.strict => self.others(registry, ModelKind::Cloud),
            _ => Vec::new(),
        }
    }

    fn others(&self, registry: &Registry, kind: ModelKind) -> Vec<usize> {
        let fits = |model: &Model| {
            model.spec.kind == kind && !self.names.contains(&model.spec.id) && self.allows(model)
        };
        let models = registry.models().iter().enumerate();
        models
            .filter(|(_, model)| fits(model))
            .map(|(at, _)| at)
            .collect()
    }

    fn allows(&self, model: &Model) -> bool {
        self.refusal(model).is_none()
    }

    /// Why a model may not answer.
    fn refusal(&self, model: &Model) -> Option<ModelError> {
        let absent = |why| Some(self.absent(why));
        match model.spec.kind {
            ModelKind::Local if !self.enabled => return absent(Absence::SwitchedOff),
            ModelKind::Cloud if self.policy.local_only => return absent(Absence::NotAllowed),
            _ => {}
        }
        if !self.policy.allows(&model.spec.id) {
            return absent(Absence::NotAllowed);
        }
        self.needs.met_by(&model.spec).err()
    }

    /// Why none may answer: what is wrong with the one that is wanted most.
    pub(crate) fn nobody(&self, registry: &Registry) -> ModelError {
        let named = self.names.iter().filter_map(|name| registry.find(name));
        let named = named.map(|at| registry.model(at));
        let strict = self.policy.strict && !self.names.is_empty();
        let others = registry.models().iter().filter(|_| !strict);
        let mut refusals = named.chain(others).filter_map(|model| self.refusal(model));
        refusals
            .next()
            .unwrap_or_else(|| self.absent(Absence::Unknown))
    }

    pub(crate) fn absent(&self, why: Absence) -> ModelError {
        ModelError::NoModel {
            wanted: self.names.to_vec(),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::broadcast;

    use super::*;
    use crate::{
        chat::{ChatMessage, Image, Role, Tool},
        spec::Capabilities,
    };

    /// "a" and "b" are local, "c" is a cloud's; "b" can do nothing but chat.
    fn registry() -> Registry {
        let model = |id| ModelSpec::ollama(id, id, vec!["http://127.0.0.1:1".parse().unwrap()]);
        let mut models = vec![model("a"), model("b"), model("c")];
        models[1].capabilities = Capabilities {
            tools: false,
            images: false,
            json: false,
            embeddings: false,
            ..Capabilities::ALL
        };
        models[2].kind = ModelKind::Cloud;
        models[0].context_length = 100;
        Registry::new(models.into(), None, &broadcast::channel(1).0).unwrap()
    }

    fn ranks(names: &[&str], policy: &Policy, request: &ChatRequest) -> Vec<Vec<&'static str>> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let registry = registry();
        let demand = Demand {
            names: &names,
            policy,
            needs: Needs::of_chat(request),
            enabled: true,
        };
        let rank = |rank| demand.rank(&registry, rank);
        let name = |at: usize| ["a", "b", "c"][at];
        (0..RANKS)
            .map(|at| rank(at).into_iter().map(name).collect())
            .collect()
    }

    #[test]
    fn what_is_named_then_the_others_then_the_clouds() {
        let request = ChatRequest::default();
        let local = Policy::default();
        assert_eq!(
            ranks(&[], &local, &request),
            [vec!["a", "b"], vec![], vec![]]
        );
        assert_eq!(
            ranks(&["x", "b", "b"], &local, &request),
            [vec!["b"], vec!["a"], vec![]]
        );
        assert_eq!(
            ranks(&["c"], &local, &request),
            [vec![], vec!["a", "b"], vec![]]
        );
        let anywhere = Policy {
            local_only: false,
            ..Policy::default()
        };
        assert_eq!(
            ranks(&[], &anywhere, &request),
            [vec!["a", "b"], vec![], vec!["c"]]
        );
        assert_eq!(
            ranks(&["c"], &anywhere, &request),
            [vec!["c"], vec!["a", "b"], vec![]]
        );
        let strict = Policy {
            strict: true,
            ..anywhere.clone()
        };
        assert_eq!(
            ranks(&["b"], &strict, &request),
            [vec!["b"], vec![], vec![]]
        );
        assert_eq!(
            ranks(&["x"], &strict, &request),
            [vec![], vec![], vec![]] as [Vec<&str>; 3]
        );
        let some = Policy {
            allowed: Some(Arc::from(["b".to_owned()])),
            ..anywhere
        };
        assert_eq!(ranks(&["a"], &some, &request), [vec![], vec!["b"], vec![]]);
    }

    #[test]
    fn only_models_that_can_do_it() {
        let with = |change: fn(&mut ChatRequest)| {
            let mut request = ChatRequest::default();
            request.messages.push(ChatMessage::new(Role::User, "Hi"));
            change(&mut request);
            ranks(&["b"], &Policy::default(), &request)
        };
        let only_a = [vec![], vec!["a"], vec![]];
        assert_eq!(with(|it| it.format = Format::JsonObject), only_a);
        let tool = |it: &mut ChatRequest| {
            it.tools.push(Tool {
                name: "t".to_owned(),
                description: None,
                parameters: None,
                strict: None,
            });
        };
        assert_eq!(with(tool), only_a);
        let picture = |it: &mut ChatRequest| {
            it.messages[0].images.push(Image {
                media_type: "image/png".to_owned(),
                data: bytes::Bytes::new(),
            });
        };
        assert_eq!(with(picture), only_a);
        let long = |it: &mut ChatRequest| it.messages[0].content = "word ".repeat(200);
        assert_eq!(
            with(long),
            [vec!["b"], vec![], vec![]],
            "more than a can read"
        );
    }

    #[test]
    fn why_nobody_may_answer() {
        let registry = registry();
        let why = |names: &[&str], policy: Policy, needs, enabled| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let demand = Demand {
                names: &names,
                policy: &policy,
                needs,
                enabled,
            };
            demand.nobody(&registry)
        };
        let strict = Policy {
            strict: true,
            ..Policy::default()
        };
        let absent = |error| match error {
            ModelError::NoModel { why, .. } => why,
            other => panic!("{other:?}"),
        };
        let none = Needs::default();
        assert_eq!(
            absent(why(&["x"], strict.clone(), none, true)),
            Absence::Unknown
        );
        assert_eq!(
            absent(why(&["c"], strict.clone(), none, true)),
            Absence::NotAllowed
        );
        assert_eq!(
            absent(why(&[], Policy::default(), none, false)),
            Absence::SwitchedOff
        );
        let vectors = Needs {
            embeddings: true,
            ..none
        };
        assert_eq!(
            why(&["b"], strict, vectors, true),
            ModelError::Unsupported("make vectors")
        );
    }
}
