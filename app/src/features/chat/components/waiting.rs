//! What the page and the browser both say to who waits for a model.

/// What somebody is told who waits for a model, at this place in the line, from 1; 0 while it is
/// loaded.
pub(super) fn place_in_line(place: u32) -> String {
    match place {
        0 => "Loading the model…".to_owned(),
        1 => "The model is busy: you are next".to_owned(),
        2 => "The model is busy: one is before you".to_owned(),
        place => format!("The model is busy: {} are before you", place - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::place_in_line;

    #[test]
    fn at_the_head_of_the_line_the_model_may_have_to_be_loaded() {
        assert_eq!(place_in_line(0), "Loading the model…");
    }

    #[test]
    fn whoever_is_next_has_nobody_before_them() {
        assert_eq!(place_in_line(1), "The model is busy: you are next");
        assert_eq!(place_in_line(3), "The model is busy: 2 are before you");
    }
}
