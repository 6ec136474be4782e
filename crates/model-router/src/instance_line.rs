//! An instance as an operator writes it: `http://gpu-1:11434;slots=8;weight=2`.

use thiserror::Error;
use url::Url;

use crate::spec::InstanceSpec;

/// What is wrong with an instance that somebody wrote down.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InstanceLineError {
    /// It does not begin with an address.
    #[error("an address begins with http:// or https://, like http://gpu-1:11434")]
    Address,
    /// What follows the address is neither slots nor a weight, or no number from 1.
    #[error("after an address there may be ;slots=8 and ;weight=2, from 1")]
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
        };
        for part in parts {
            let (name, value) = part.split_once('=').ok_or(InstanceLineError::Parameter)?;
            let number = match name.trim() {
                "slots" => &mut instance.slots,
                "weight" => &mut instance.weight,
                _ => return Err(InstanceLineError::Parameter),
            };
            *number = value
                .trim()
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or(InstanceLineError::Parameter)?;
        }
        Ok(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_slots_and_a_weight() {
        let read = |line| {
            let InstanceSpec { url, slots, weight } = InstanceSpec::read(line, 4).unwrap();
            (url.to_string(), slots, weight)
        };
        assert_eq!(
            read(" http://a:1 ;slots=8;weight=2"),
            ("http://a:1/".into(), 8, 2)
        );
        assert_eq!(
            read("https://b/v1 ; weight = 3 "),
            ("https://b/v1".into(), 4, 3)
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
