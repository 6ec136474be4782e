//! Link reference definitions (`[label]: address`) that other blocks may use.

use std::collections::HashMap;

use pulldown_cmark::{BrokenLink, CowStr, Parser};

use crate::render::OPTIONS;

/// What using definitions may add to the HTML of one message, in bytes: a long address that is used
/// by thousands of short links must not make a small text a huge page.
const MAX_EXPANSION: usize = 256 * 1024;

/// The definitions seen so far; the first one of a label counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct References {
    known: HashMap<String, (String, String)>,
    expanded: usize,
}

impl References {
    /// Takes up the definitions in a finished block.
    pub(crate) fn collect(&mut self, block: &str) {
        // Parsing again is only worth it where there can be a definition at all.
        if !block.contains("]:") {
            return;
        }
        for (label, definition) in Parser::new_ext(block, OPTIONS)
            .reference_definitions()
            .iter()
        {
            let title = definition.title.as_deref().unwrap_or_default().to_owned();
            self.known
                .entry(key(label))
                .or_insert_with(|| (definition.dest.to_string(), title));
        }
    }

    /// The address and title for a link whose definition is in another block.
    pub(crate) fn resolve<'a>(
        &mut self,
        link: &BrokenLink<'_>,
    ) -> Option<(CowStr<'a>, CowStr<'a>)> {
        // CommonMark's limit for a label; without it, nested brackets would be quadratic.
        if self.known.is_empty() || link.reference.len() > 999 {
            return None;
        }
        let (address, title) = self.known.get(&key(&link.reference))?;
        self.expanded += address.len() + title.len();
        (self.expanded <= MAX_EXPANSION)
            .then(|| (CowStr::from(address.clone()), CowStr::from(title.clone())))
    }
}

/// Labels match without regard to case and to the kind and amount of white space.
fn key(label: &str) -> String {
    label
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}
