//! The choice between the instances of one model.

use std::sync::Arc;

use tokio::time::Instant;

use crate::instance::{Instance, View};

/// So many instances are looked at, from a random one on: what a choice costs does not grow with
/// how many there are.
const LOOKED_AT: usize = 16;

/// An instance that is well and has a slot: of those that aren't known to lack the model in
/// memory, if there are any, the better one of two that chance picks ("power of two choices").
pub(crate) fn well<'a>(
    instances: &'a [Arc<Instance>],
    now: Instant,
    not: &[usize],
) -> Option<&'a Arc<Instance>> {
    let fits = |view: &View| view.well && view.free && !view.draining;
    let mut found: [Option<(&Arc<Instance>, View)>; LOOKED_AT] = [None; LOOKED_AT];
    let mut count = 0;
    for instance in from_anywhere(instances).filter(|it| !not.contains(&it.id)) {
        let view = instance.view(now);
        if fits(&view) {
            found[count] = Some((instance, view));
            count += 1;
            if count == LOOKED_AT {
                break;
            }
        }
    }
    let any_warm = found.iter().flatten().any(|(_, view)| !view.cold);
    let mut count = 0;
    for at in 0..LOOKED_AT {
        if found[at].is_some_and(|(_, view)| view.cold != any_warm) {
            found.swap(at, count);
            count += 1;
        }
    }
    let (first, second) = two_of(count)?;
    let (first, second) = (found[first]?, found[second]?);
    Some(if is_better(&second.1, &first.1) {
        second.0
    } else {
        first.0
    })
}

/// Two different numbers below `count`, or the same twice if it is 1.
fn two_of(count: usize) -> Option<(usize, usize)> {
    match count {
        0 => None,
        1 => Some((0, 0)),
        _ => {
            let first = rand::random_range(0..count);
            let second = (first + rand::random_range(1..count)) % count;
            Some((first, second))
        }
    }
}

/// Where none is well, the one that will be soonest, of those that have a slot.
pub(crate) fn soonest<'a>(
    instances: &'a [Arc<Instance>],
    now: Instant,
    not: &[usize],
) -> Option<&'a Arc<Instance>> {
    let others = instances.iter().filter(|it| !not.contains(&it.id));
    others
        .map(|instance| (instance, instance.view(now)))
        .filter(|(_, view)| view.free && !view.draining)
        .min_by_key(|(_, view)| view.until)
        .map(|(instance, _)| instance)
}

/// All of them, beginning anywhere.
fn from_anywhere(instances: &[Arc<Instance>]) -> impl Iterator<Item = &Arc<Instance>> {
    let start = match instances.len() {
        ..=LOOKED_AT => 0,
        length => rand::random_range(0..length),
    };
    instances[start..].iter().chain(&instances[..start])
}

/// Less load, weighted by how soon it begins to answer where that is known of both.
fn is_better(one: &View, other: &View) -> bool {
    let (fast, slow) = match (one.first_token, other.first_token) {
        (Some(one), Some(other)) => (one, other),
        _ => (1.0, 1.0),
    };
    one.load * fast < other.load * slow
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::broadcast;

    use super::*;
    use crate::{
        error::ModelError,
        health::Probe,
        spec::{InstanceSpec, ModelSpec},
    };

    fn instances(count: usize) -> Vec<Arc<Instance>> {
        let model = ModelSpec::ollama("m", "m:1b", vec![]);
        let changes = broadcast::channel(1).0;
        let instance = |port| {
            let url: url::Url = format!("http://127.0.0.1:{port}").parse().unwrap();
            let spec = InstanceSpec {
                slots: 4,
                ..InstanceSpec::from(url)
            };
            Arc::new(Instance::new(&model, &spec, changes.clone()).unwrap())
        };
        (1..=count).map(instance).collect()
    }

    /// Which are picked in many tries.
    fn picked(instances: &[Arc<Instance>], now: Instant, not: &[usize]) -> Vec<bool> {
        let mut picked = vec![false; instances.len()];
        for _ in 0..200 * instances.len() {
            if let Some(one) = well(instances, now, not) {
                let at = instances.iter().position(|it| it.id == one.id);
                picked[at.unwrap()] = true;
            }
        }
        picked
    }

    fn fail(instance: &Instance, now: Instant) {
        instance.failed(&ModelError::Interrupted, now, now);
    }

    fn probe(usable: bool, loaded: bool) -> Probe {
        Probe {
            reachable: usable,
            model_present: usable,
            loaded,
            ..Probe::default()
        }
    }

    #[test]
    fn the_less_busy_one_by_slots_and_weight() {
        let two = instances(2);
        let now = Instant::now();
        assert_eq!(
            picked(&two, now, &[]),
            [true, true],
            "chance where they are equal"
        );
        two[0].enter(now, false).unwrap();
        assert_eq!(picked(&two, now, &[]), [false, true]);
        two[1].enter(now, false).unwrap();
        two[1].enter(now, false).unwrap();
        assert_eq!(picked(&two, now, &[]), [true, false]);
        let url: url::Url = "http://127.0.0.1:2".parse().unwrap();
        let mut spec = InstanceSpec::from(url);
        (spec.slots, spec.weight) = (8, 2);
        two[1].resize(&spec);
        assert_eq!(picked(&two, now, &[]), [false, true]);
    }

    #[test]
    fn one_without_a_free_slot_is_not_picked() {
        let one = instances(1);
        let now = Instant::now();
        for _ in 0..one[0].slots() {
            assert!(well(&one, now, &[]).is_some());
            one[0].enter(now, false).unwrap();
        }
        assert!(well(&one, now, &[]).is_none());
        assert!(soonest(&one, now, &[]).is_none());
        assert_eq!(one[0].enter(now, true), None);
        one[0].leave();
        assert!(well(&one, now, &[]).is_some());
    }

    #[test]
    fn the_loaded_ones_first() {
        let three = instances(3);
        let now = Instant::now();
        for (instance, loaded) in three.iter().zip([false, true, false]) {
            instance.checked(probe(true, loaded), now);
        }
        three[1].enter(now, false).unwrap();
        assert_eq!(picked(&three, now, &[]), [false, true, false]);
        let later = now + Duration::from_secs(30);
        assert_eq!(
            picked(&three, later, &[]),
            [true, false, true],
            "a check gets old"
        );
        three[0].checked(probe(true, false), later);
        assert_eq!(picked(&three, later, &[]), [false, false, true]);
        three[1].checked(probe(true, false), later);
        three[2].checked(probe(true, false), later);
        let later = later + Duration::from_secs(1);
        three[2].begun(later, Duration::from_secs(1), false, later);
        assert_eq!(picked(&three, later, &[]), [false, false, true]);
    }

    #[test]
    fn the_one_that_begins_sooner_gets_more() {
        let two = instances(2);
        let now = Instant::now();
        two[0].begun(now, Duration::from_secs(3), true, now);
        two[1].begun(now, Duration::from_secs(1), true, now);
        assert_eq!(picked(&two, now, &[]), [false, true]);
        two[1].enter(now, false).unwrap();
        assert_eq!(
            picked(&two, now, &[]),
            [false, true],
            "twice the load, a third of the time"
        );
    }

    #[test]
    fn the_ill_the_drained_and_the_one_left_out_are_passed_over() {
        let three = instances(3);
        let now = Instant::now();
        fail(&three[0], now);
        assert_eq!(picked(&three, now, &[]), [false, true, true]);
        three[1].checked(probe(false, false), now);
        assert_eq!(picked(&three, now, &[]), [false, false, true]);
        assert_eq!(picked(&three, now, &[three[2].id]), [false; 3]);
        three[2].drain(true);
        assert_eq!(picked(&three, now, &[]), [false; 3]);
        assert_eq!(soonest(&three, now, &[]).unwrap().id, three[1].id);
        let later = now + Duration::from_secs(1);
        assert_eq!(picked(&three, later, &[]), [true, false, false]);
    }

    #[test]
    fn a_bad_request_is_no_failure_and_a_rest_is_as_long_as_asked_for() {
        let one = instances(1);
        let now = Instant::now();
        one[0].failed(&ModelError::RequestTooLarge, now, now);
        assert!(well(&one, now, &[]).is_some());
        let wait = Some(Duration::from_secs(9));
        one[0].failed(&ModelError::RateLimited { retry_after: wait }, now, now);
        assert!(well(&one, now + Duration::from_secs(8), &[]).is_none());
        assert!(well(&one, now + Duration::from_secs(9), &[]).is_some());
    }

    #[test]
    fn of_very_many_each_can_be_picked() {
        let many = instances(60);
        assert!(
            picked(&many, Instant::now(), &[])
                .iter()
                .all(|picked| *picked)
        );
    }
}
