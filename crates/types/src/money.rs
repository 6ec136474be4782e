//! Money as whole minor units with its currency; never a float.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The text is no three-letter currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a three-letter currency code (ISO 4217)")]
pub struct InvalidCurrency(String);

/// An ISO 4217 code in upper case, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        // Only ASCII letters get in, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many digits stand behind the point: 0, 2 or 3 (ISO 4217, exponent).
    #[must_use]
    pub fn digits(&self) -> usize {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(code: &str) -> Result<Self, InvalidCurrency> {
        match code.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|letter| letter.to_ascii_uppercase())))
            }
            _ => Err(InvalidCurrency(code.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents, yen, fils) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units; negative for what is given back.
    pub minor: i64,
    /// What the units are of.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// `EUR 12.50`: for logs and the command line; pages format for the reader's locale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        let unit = 10_u64.pow(digits as u32);
        let (sign, amount) = (
            if self.minor < 0 { "-" } else { "" },
            self.minor.unsigned_abs(),
        );
        write!(f, "{} {sign}{}", self.currency, amount / unit)?;
        if digits > 0 {
            write!(f, ".{:0digits$}", amount % unit)?;
        }
        Ok(())
    }
}

/// A decimal number such as `12` or `12.5`, exactly, in units of its last of `digits` places
/// behind the point: with 2 of them, `12.5` is 1250. Nothing but digits and one point is taken,
/// and no more places than there are.
#[must_use]
pub fn decimal(text: &str, digits: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > digits || !are_digits(whole) || !are_digits(part) {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_number_is_exact_or_refused() {
        assert_eq!(decimal("12", 2), Some(1200));
        assert_eq!(decimal("0.15", 6), Some(150_000));
        assert_eq!(decimal("7", 0), Some(7));
        for wrong in ["", ".", ".5", "-1", "1.234", "1,2", "1e3", "1.2.3", "７"] {
            assert_eq!(decimal(wrong, 2), None, "{wrong:?}");
        }
        assert_eq!(decimal("99999999999999999999", 2), None);
    }

    #[test]
    fn an_amount_shows_the_digits_of_its_currency() {
        let show = |minor, code: &str| {
            Money {
                minor,
                currency: code.parse().unwrap(),
            }
            .to_string()
        };
        assert_eq!(show(1250, "eur"), "EUR 12.50");
        assert_eq!(show(-5, "USD"), "USD -0.05");
        assert_eq!(show(1250, "JPY"), "JPY 1250");
        assert_eq!(show(1250, "KWD"), "KWD 1.250");
        assert_eq!(show(i64::MIN, "USD"), "USD -92233720368547758.08");
        assert!("EURO".parse::<Currency>().is_err());
        assert!("E1R".parse::<Currency>().is_err());
    }
}
