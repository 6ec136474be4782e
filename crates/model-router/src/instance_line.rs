//! An instance as an operator writes it: `http://gpu-1:11434;slots=8;weight=2;context=8192`.

use thiserror::Error;
use url::Url;

use crate::spec::InstanceSpec;

/// What is wrong with an instance that somebody wrote down.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InstanceLineError {
    /// It does not begin with an address.
    #[error("an address begins with http:// or https://, like http://gpu-1:11434")]
    Address,
    /// What follows the address is no slots, weight or context, or no number from 1.
    #[error("after an address there may be ;slots=8, ;weight=2 and ;context=8192, from 1")]
    Parameter,
}

impl InstanceSpec {
    /// Reads one instance. It has `slots` where it doesn't say how many.
    ///
    /// # Errors
    /// What is wrong with it; never any of its text, which may hold a password.
    pub fn read(line: &str, slots: u32) -> Result<Self, InstanceLineError> {
        let mut parts = line.split(';').map(str::trim);
        let url: Url = parts
            .next()
            .and_then(|url| url.parse().ok())
            .filter(|url: &Url| matches!(url.scheme(), "http" | "https"))
            .ok_or(InstanceLineError::Address)?;
        let mut instance = Self {
            url,
            slots,
            weight: 1,
            context: None,
        };
        for part in parts {
            let (name, value) = part.split_once('=').ok_or(InstanceLineError::Parameter)?;
            let number: u32 = value
                .trim()
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or(InstanceLineError::Parameter)?;
            match name.trim() {
                "slots" => instance.slots = number,
                "weight" => instance.weight = number,
                "context" => instance.context = Some(number),
                _ => return Err(InstanceLineError::Parameter),
            }
        }
        Ok(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_slots_a_weight_and_a_context() {
        let read = |line| {
            let InstanceSpec {
                url,
                slots,
                weight,
                context,
            } = InstanceSpec::read(line, 4).unwrap();
            (url.to_string(), slots, weight, context)
        };
        assert_eq!(
            read(" http://a:1 ;slots=8;weight=2"),
            ("http://a:1/".into(), 8, 2, None)
        );
        assert_eq!(
            read("https://b/v1 ; weight = 3 ; context=8192"),
            ("https://b/v1".into(), 4, 3, Some(8192))
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_its_text() {
        use InstanceLineError::{Address, Parameter};
        for (line, wrong) in [
            ("", Address),
            ("gpu-1:11434", Address),
            ("canary", Address),
            ("file:///etc/passwd", Address),
            ("http://a;slots=0", Parameter),
            ("http://a;slots=-1", Parameter),
            ("http://a;slots=canary", Parameter),
            ("http://a;context=0", Parameter),
            ("http://a;canary=1", Parameter),
            ("http://a;slots", Parameter),
            ("http://a;;", Parameter),
        ] {
            let error = InstanceSpec::read(line, 1).unwrap_err();
            assert_eq!(error, wrong, "{line}");
            assert!(!error.to_string().contains("canary"));
        }
    }
}
