//! Instances as text, one a line: `http://gpu-1:11434;slots=8;weight=2;context=8192`. The settings
//! are written in the same way.

use onelastai_model_router::{InstanceSpec, is_metadata_url, without_credentials};
use url::Url;

use crate::error::FieldError;

/// The most instances of one model.
pub(crate) const MOST: usize = 50;
const FIELD: &str = "instances";

/// Reads instances, one a line; empty lines are passed over. An instance that doesn't say has
/// `slots`.
///
/// # Errors
/// What is wrong, by the line, with the field `instances`.
pub fn parse_instances(text: &str, slots: u32) -> Result<Vec<InstanceSpec>, Vec<FieldError>> {
    let lines = text.lines().map(str::trim).enumerate();
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let read = InstanceSpec::read(line, slots).map_err(|error| format!("{error}."));
        let checked = read.and_then(|it| match check(&it) {
            Ok(()) => Ok(it),
            Err(words) => Err(words.to_owned()),
        });
        match checked {
            Ok(instance) => found.push(instance),
            Err(words) => {
                let message = format!("Line {}: {words}", number + 1);
                wrong.push(FieldError::new(FIELD, message));
            }
        }
    }
    if wrong.is_empty() {
        Ok(found)
    } else {
        Err(wrong)
    }
}

/// What is wrong with an instance.
pub(crate) fn check(instance: &InstanceSpec) -> Result<(), &'static str> {
    let InstanceSpec {
        url,
        slots,
        weight,
        context,
    } = instance;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("an address begins with http:// or https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave the user and password out; a key has a field of its own.");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address ends before ? and #.");
    }
    if is_metadata_url(url) {
        return Err("this is a cloud's metadata service, which is never asked.");
    }
    if url.as_str().len() > 300 {
        return Err("this address is too long.");
    }
    if !(1..=1000).contains(slots) {
        return Err("slots are 1 to 1000.");
    }
    if !(1..=100).contains(weight) {
        return Err("a weight is 1 to 100.");
    }
    if context.is_some_and(|context| !(256..=100_000_000).contains(&context)) {
        return Err("a context is 256 to 100000000.");
    }
    Ok(())
}

/// An instance as [`parse_instances`] reads it, without credentials.
#[must_use]
pub fn show_instance(instance: &InstanceSpec) -> String {
    let url = address(&instance.url);
    let mut shown = format!("{url};slots={};weight={}", instance.slots, instance.weight);
    if let Some(context) = instance.context {
        shown.push_str(&format!(";context={context}"));
    }
    shown
}

/// An address as it is shown, stored and compared: without credentials and the last slash.
pub(crate) fn address(url: &Url) -> String {
    let url = without_credentials(url);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_address_with_slots_and_a_weight() {
        let text = "http://a:1;slots=8;weight=2;context=8192\r\n\n  https://b/v1 ; weight=3 ";
        let found = parse_instances(text, 4).unwrap();
        let shown: Vec<_> = found.iter().map(show_instance).collect();
        assert_eq!(
            shown,
            [
                "http://a:1;slots=8;weight=2;context=8192",
                "https://b/v1;slots=4;weight=3"
            ]
        );
        assert_eq!(parse_instances(&shown.join("\n"), 1).unwrap(), found);
    }

    #[test]
    fn what_is_wrong_is_told_by_the_line() {
        for (line, part) in [
            ("no address", "begins with http://"),
            ("http://a;slots=0", "may be"),
            ("http://user:canary@a", "leave the user"),
            ("http://a?x=1", "ends before"),
            ("http://a;slots=1001", "1 to 1000"),
            ("http://a;weight=101", "1 to 100"),
            ("http://a;context=255", "256 to"),
            ("http://169.254.169.254/v1", "metadata"),
            ("http://0xa9fea9fe", "metadata"),
        ] {
            let wrong = parse_instances(&format!("http://fine\n{line}"), 1).unwrap_err();
            let [FieldError { field, message }] = &wrong[..] else {
                panic!("{line}: {wrong:?}");
            };
            assert_eq!(*field, "instances");
            assert!(
                message.starts_with("Line 2: ") && message.contains(part),
                "{line}: {message}"
            );
            assert!(!message.contains("canary"));
        }
    }
}
