//! The choice: which of the wanted models, on which of its instances, and why.

use std::cmp::Reverse;

use tokio::time::Instant;

use crate::{
    error::ModelError,
    registry::{Registry, SlotView},
};

/// An instance, by its place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) model: usize,
    pub(crate) slot: usize,
}

/// A place, and the reason for it in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) place: Place,
    pub(crate) reason: String,
}

/// Picks the first wanted model with an instance that is well, and of its instances the one
/// with the fewest answers under way; then one that has the model loaded; then the one that
/// answered last, whose caches are warm. Where none is well, the one that will be soonest:
/// the last instance is never given up.
///
/// `failed` is where this request was tried before, and how that ended; that place is left out.
pub(crate) fn choose(
    registry: &Registry,
    wanted: &[usize],
    failed: Option<(Place, &ModelError)>,
    now: Instant,
) -> Option<Choice> {
    let candidates = |model: usize| {
        let views = registry
            .slots(model)
            .iter()
            .map(move |slot| slot.view(now))
            .enumerate();
        let places = views.map(move |(slot, view)| (Place { model, slot }, view));
        places.filter(move |(place, _)| failed.is_none_or(|(failed, _)| *place != failed))
    };
    let best = |model: &usize| {
        candidates(*model)
            .filter(|(_, view)| view.well)
            .min_by_key(|(_, view)| rank(view))
    };
    if let Some((place, _)) = wanted.iter().find_map(best) {
        return Some(Choice {
            place,
            reason: reason(registry, wanted, place, failed),
        });
    }
    let soonest = wanted.iter().flat_map(|model| candidates(*model));
    let (place, _) = soonest.min_by_key(|(_, view)| (view.cooling_until, rank(view)))?;
    let name = &registry.models()[place.model].display_name;
    let reason = format!("no wanted model is known to be well; {name} is tried all the same");
    Some(Choice { place, reason })
}

fn rank(view: &SlotView) -> (usize, Reverse<bool>, Reverse<Option<Instant>>) {
    (
        view.in_flight,
        Reverse(view.loaded),
        Reverse(view.answered_at),
    )
}

fn reason(
    registry: &Registry,
    wanted: &[usize],
    place: Place,
    failed: Option<(Place, &ModelError)>,
) -> String {
    let name = |model: usize| &registry.models()[model].display_name;
    let instances = registry.slots(place.model).len();
    if let Some((failed, error)) = failed {
        let error = error.code().replace('_', " ");
        return if failed.model == place.model {
            format!(
                "another instance of {}, since the first one failed ({error})",
                name(place.model)
            )
        } else {
            format!(
                "{} in place of {}, which failed ({error})",
                name(place.model),
                name(failed.model)
            )
        };
    }
    let mut reason = match wanted.iter().position(|model| *model == place.model) {
        Some(0) | None => format!("{} is the first choice", name(place.model)),
        Some(rank) => {
            let passed: Vec<_> = wanted[..rank]
                .iter()
                .map(|model| name(*model).as_str())
                .collect();
            format!(
                "{} in place of {}, not available at the moment",
                name(place.model),
                passed.join(", ")
            )
        }
    };
    if instances > 1 {
        reason.push_str(&format!("; the best of {instances} instances"));
    }
    reason
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        registry::{Permit, Probed},
        spec::ModelSpec,
    };

    const A0: Place = Place { model: 0, slot: 0 };
    const A1: Place = Place { model: 0, slot: 1 };
    const B0: Place = Place { model: 1, slot: 0 };
    const ORDER: &[usize] = &[0, 1];

    /// Two models: "a" on two instances, "b" on one.
    fn registry() -> Registry {
        let at = |port| format!("http://127.0.0.1:{port}").parse().unwrap();
        Registry::new(
            vec![
                ModelSpec::ollama("a", "a:1b", vec![at(1), at(2)]),
                ModelSpec::ollama("b", "b:1b", vec![at(3)]),
            ],
            None,
        )
        .unwrap()
    }

    fn permit(registry: &Registry, place: Place) -> Permit {
        Permit::new(&registry.slots(place.model)[place.slot])
    }

    fn place(registry: &Registry, now: Instant) -> Place {
        choose(registry, ORDER, None, now).unwrap().place
    }

    #[test]
    fn the_least_busy_instance_of_the_first_choice() {
        let registry = registry();
        let now = Instant::now();
        assert_eq!(place(&registry, now), A0);
        let busy = permit(&registry, A0);
        assert_eq!(place(&registry, now), A1);
        drop(busy);
        assert_eq!(place(&registry, now), A0);
    }

    #[test]
    fn of_equally_busy_ones_the_loaded_then_the_one_that_answered_last() {
        let registry = registry();
        let now = Instant::now();
        permit(&registry, A1).succeeded(now);
        assert_eq!(place(&registry, now), A1);
        registry.slots(0)[0].probed(
            now,
            Probed {
                usable: true,
                loaded: true,
            },
        );
        assert_eq!(place(&registry, now), A0);
    }

    #[test]
    fn a_failed_instance_is_passed_over_for_a_while_that_grows() {
        let registry = registry();
        let now = Instant::now();
        permit(&registry, A0).failed(&ModelError::Interrupted, now);
        assert_eq!(place(&registry, now), A1);
        assert_eq!(place(&registry, now + Duration::from_secs(1)), A0);
        permit(&registry, A0).failed(&ModelError::Interrupted, now);
        assert_eq!(place(&registry, now + Duration::from_secs(1)), A1);
        assert_eq!(place(&registry, now + Duration::from_secs(2)), A0);
        permit(&registry, A0).succeeded(now);
        assert_eq!(place(&registry, now), A0);
    }

    #[test]
    fn a_stop_or_a_bad_request_is_no_failure() {
        let registry = registry();
        let now = Instant::now();
        drop(permit(&registry, A0));
        permit(&registry, A0).failed(&ModelError::RequestTooLarge, now);
        assert_eq!(place(&registry, now), A0);
    }

    #[test]
    fn retry_after_is_honoured() {
        let registry = registry();
        let now = Instant::now();
        let busy = ModelError::RateLimited {
            retry_after: Some(Duration::from_secs(9)),
        };
        permit(&registry, A0).failed(&busy, now);
        assert_eq!(place(&registry, now + Duration::from_secs(8)), A1);
        assert_eq!(place(&registry, now + Duration::from_secs(9)), A0);
    }

    #[test]
    fn the_next_model_when_the_first_is_ill_and_the_soonest_when_all_are() {
        let registry = registry();
        let now = Instant::now();
        for place in [A0, A0, A1] {
            permit(&registry, place).failed(&ModelError::Interrupted, now);
        }
        let choice = choose(&registry, ORDER, None, now).unwrap();
        assert_eq!(choice.place, B0);
        assert_eq!(
            choice.reason,
            "b in place of a, not available at the moment"
        );
        for _ in 0..3 {
            permit(&registry, B0).failed(&ModelError::Interrupted, now);
        }
        assert_eq!(place(&registry, now), A1);
    }

    #[test]
    fn what_a_health_check_saw_counts_until_it_is_old() {
        let registry = registry();
        let now = Instant::now();
        registry.slots(0)[0].probed(
            now,
            Probed {
                usable: false,
                loaded: false,
            },
        );
        assert_eq!(place(&registry, now), A1);
        assert_eq!(place(&registry, now + Duration::from_secs(30)), A0);
    }

    #[test]
    fn a_second_try_goes_elsewhere_or_nowhere() {
        let registry = registry();
        let now = Instant::now();
        let error = ModelError::Interrupted;
        let second = |wanted, failed| choose(&registry, wanted, Some((failed, &error)), now);
        let other = second(ORDER, A0).unwrap();
        assert_eq!(other.place, A1);
        assert_eq!(
            other.reason,
            "another instance of a, since the first one failed (interrupted)"
        );
        assert_eq!(second(&[1, 0], B0).unwrap().place, A0);
        assert_eq!(second(&[1], B0), None);
    }
}
