//! The look of an agent: needs no upload and can't carry markup.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A hue for the initials of a name. Which colour it is depends on the theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Hue {
    /// The plain one.
    #[default]
    Slate,
    /// Red.
    Red,
    /// Amber.
    Amber,
    /// Green.
    Green,
    /// Teal.
    Teal,
    /// Blue.
    Blue,
    /// Violet.
    Violet,
    /// Pink.
    Pink,
}

impl Hue {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 8] = [
        Self::Slate,
        Self::Red,
        Self::Amber,
        Self::Green,
        Self::Teal,
        Self::Blue,
        Self::Violet,
        Self::Pink,
    ];

    /// The name as the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slate => "slate",
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
            Self::Teal => "teal",
            Self::Blue => "blue",
            Self::Violet => "violet",
            Self::Pink => "pink",
        }
    }
}

/// Neither a hue nor an emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose one of the colours, or write exactly one emoji.")]
pub struct InvalidAvatar;

/// The look of an agent. As text it is the name of a hue, or the emoji itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Avatar {
    /// The [`initials`] of the agent's name on this hue.
    Hue(Hue),
    /// One emoji of Unicode's list (UTS #51, `emoji-test.txt`), without the keycaps.
    Emoji(&'static str),
}

impl Default for Avatar {
    fn default() -> Self {
        Self::Hue(Hue::default())
    }
}

impl fmt::Display for Avatar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hue(hue) => hue.as_str(),
            Self::Emoji(emoji) => emoji,
        })
    }
}

impl FromStr for Avatar {
    type Err = InvalidAvatar;

    fn from_str(text: &str) -> Result<Self, InvalidAvatar> {
        let text = text.trim();
        if let Some(hue) = Hue::ALL.into_iter().find(|hue| hue.as_str() == text) {
            return Ok(Self::Hue(hue));
        }
        // Keycaps begin with an ASCII character; without them none ever gets in.
        emojis::get(text)
            .map(|emoji| emoji.as_str())
            .filter(|emoji| emoji.chars().all(|c| !c.is_ascii()))
            .map(Self::Emoji)
            .ok_or(InvalidAvatar)
    }
}

impl Serialize for Avatar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Avatar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// One or two letters for a name: of its first two words, in capitals.
#[must_use]
pub fn initials(name: &str) -> String {
    let letters: String = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
        .take(2)
        .flat_map(char::to_uppercase)
        .take(2)
        .collect();
    if letters.is_empty() {
        "?".to_owned()
    } else {
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_and_emoji_survive_text_and_nothing_else_gets_in() {
        for hue in Hue::ALL {
            assert_eq!(hue.as_str().parse(), Ok(Avatar::Hue(hue)));
        }
        for emoji in ["🦉", "👩‍💻", "👋🏽", "🇵🇹", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
        {
            let avatar: Avatar = emoji.parse().unwrap();
            assert_eq!(avatar.to_string().parse(), Ok(avatar));
            assert!(matches!(avatar, Avatar::Emoji(_)), "{avatar}");
        }
        let long = "🦉".repeat(2);
        for bad in [
            "", "Red", "<b>", "a", "1", "1️⃣", "#️⃣", &long, "é", "\u{200d}", "🦉<",
        ] {
            assert_eq!(bad.parse::<Avatar>(), Err(InvalidAvatar), "{bad}");
        }
    }

    #[test]
    fn the_database_has_room_for_every_emoji() {
        // agents_avatar_check
        let accepted = emojis::iter()
            .flat_map(|emoji| emoji.skin_tones().into_iter().flatten().chain([emoji]))
            .filter(|emoji| emoji.as_str().parse::<Avatar>().is_ok());
        let mut count = 0;
        for emoji in accepted {
            count += 1;
            assert!(emoji.as_str().chars().count() <= 16, "{emoji}");
        }
        assert!(count > 3000, "{count}");
    }

    #[test]
    fn initials_are_letters_of_the_first_two_words() {
        assert_eq!(initials("Code reviewer of ours"), "CR");
        assert_eq!(initials("émile"), "É");
        assert_eq!(initials("<i>7up</i> & (you)"), "IY");
        assert_eq!(initials("straße ßx"), "SS");
        assert_eq!(initials("— …"), "?");
    }
}
