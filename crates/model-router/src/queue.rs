//! Who waits for a model: bounded, and in turns between people.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{oneshot, watch};

use crate::pool::Permit;

/// What a request that waited gets.
#[derive(Debug)]
pub(crate) enum Grant {
    /// A slot.
    Slot(Permit),
    /// Word that things have changed: it has to look again.
    Look,
}

/// A request that waits, perhaps for several models at once.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) user: u128,
    /// The instances where it failed before, which it does not want again.
    pub(crate) not: Vec<usize>,
    /// It also takes an instance that is not well.
    pub(crate) anyway: bool,
    /// Told the place in the queue.
    pub(crate) place: Option<watch::Sender<Option<usize>>>,
    /// Taken by whoever grants it something.
    grant: Mutex<Option<oneshot::Sender<Grant>>>,
}

impl Ticket {
    pub(crate) fn new(
        user: u128,
        not: Vec<usize>,
        anyway: bool,
        place: Option<watch::Sender<Option<usize>>>,
    ) -> (Arc<Self>, oneshot::Receiver<Grant>) {
        let (grant, granted) = oneshot::channel();
        let ticket = Self {
            user,
            not,
            anyway,
            place,
            grant: Mutex::new(Some(grant)),
        };
        (Arc::new(ticket), granted)
    }

    /// Grants it, unless somebody did before or nobody waits any more; then it comes back.
    pub(crate) fn grant(&self, grant: Grant) -> Result<(), Grant> {
        let mut sender = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        match sender.take() {
            Some(sender) => sender.send(grant),
            None => Err(grant),
        }
    }

    fn is_open(&self) -> bool {
        let sender = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    fn tell(&self, place: usize) {
        if let Some(sender) = &self.place {
            sender.send_if_modified(|told| told.replace(place) != Some(place));
        }
    }
}

/// The requests that wait for one model.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The people who wait, the next one first.
    turns: VecDeque<u128>,
    /// Each one's requests, the oldest first; never empty.
    waiting: HashMap<u128, VecDeque<Entry>>,
    length: usize,
}

#[derive(Debug)]
struct Entry {
    ticket: Arc<Ticket>,
    /// Its place in this queue is the one that is told.
    leads: bool,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Lets a request wait, behind those of the same person and after one of each other's.
    pub(crate) fn push(&mut self, ticket: Arc<Ticket>, leads: bool) {
        let of_user = self.waiting.entry(ticket.user).or_default();
        if of_user.is_empty() {
            self.turns.push_back(ticket.user);
        }
        of_user.push_back(Entry { ticket, leads });
        self.length += 1;
        self.tell();
    }

    /// Takes out the first, in turns, for which `fits` has something, and what that is. Those
    /// that wait no more are thrown out on the way.
    pub(crate) fn pop<T>(
        &mut self,
        mut fits: impl FnMut(&Ticket) -> Option<T>,
    ) -> Option<(Arc<Ticket>, T)> {
        self.retain(Ticket::is_open);
        // The first of each person in turn, then the second of each, …
        let deepest = self.waiting.values().map(VecDeque::len).max()?;
        for depth in 0..deepest {
            for turn in 0..self.turns.len() {
                let user = self.turns[turn];
                let entry = self
                    .waiting
                    .get(&user)
                    .and_then(|of_user| of_user.get(depth));
                if let Some(entry) = entry
                    && let Some(fit) = fits(&entry.ticket)
                {
                    return Some((self.take(turn, depth)?, fit));
                }
            }
        }
        None
    }

    /// Takes out one request; its person's next turn comes after everybody else's.
    fn take(&mut self, turn: usize, depth: usize) -> Option<Arc<Ticket>> {
        let user = self.turns.remove(turn)?;
        let of_user = self.waiting.get_mut(&user)?;
        let entry = of_user.remove(depth)?;
        self.length -= 1;
        if of_user.is_empty() {
            self.waiting.remove(&user);
        } else {
            self.turns.push_back(user);
        }
        self.tell();
        Some(entry.ticket)
    }

    /// Takes out this request, wherever it is.
    pub(crate) fn remove(&mut self, ticket: &Arc<Ticket>) {
        self.retain(|other| !std::ptr::eq(other, Arc::as_ptr(ticket)));
    }

    /// Takes out all that don't take any instance, well or not.
    pub(crate) fn drain_picky(&mut self) -> Vec<Arc<Ticket>> {
        let picky = self.waiting.values().flatten().map(|entry| &entry.ticket);
        let picky: Vec<_> = picky.filter(|it| !it.anyway).map(Arc::clone).collect();
        self.retain(|ticket| ticket.anyway);
        picky
    }

    fn retain(&mut self, keep: impl Fn(&Ticket) -> bool) {
        let before = self.length;
        for of_user in self.waiting.values_mut() {
            let had = of_user.len();
            of_user.retain(|entry| keep(&entry.ticket));
            self.length -= had - of_user.len();
        }
        if self.length < before {
            self.waiting.retain(|_, of_user| !of_user.is_empty());
            self.turns.retain(|user| self.waiting.contains_key(user));
            self.tell();
        }
    }

    /// Tells each its place: how many come before it, if nobody else comes or goes, and one.
    fn tell(&self) {
        let mut place = 0;
        let mut lists: Vec<_> = self
            .turns
            .iter()
            .filter_map(|user| self.waiting.get(user))
            .collect();
        let mut depth = 0;
        while !lists.is_empty() {
            lists.retain(|list| depth < list.len());
            for entry in lists.iter().filter_map(|list| list.get(depth)) {
                place += 1;
                if entry.leads {
                    entry.ticket.tell(place);
                }
            }
            depth += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Waiting = (
        Arc<Ticket>,
        oneshot::Receiver<Grant>,
        watch::Receiver<Option<usize>>,
    );

    fn wait(queue: &mut Queue, user: u128) -> Waiting {
        let (place, told) = watch::channel(None);
        let (ticket, granted) = Ticket::new(user, Vec::new(), false, Some(place));
        queue.push(Arc::clone(&ticket), true);
        (ticket, granted, told)
    }

    fn places(waiting: &[Waiting]) -> Vec<usize> {
        let place = |(_, _, told): &Waiting| told.borrow().unwrap();
        waiting.iter().map(place).collect()
    }

    fn next(queue: &mut Queue) -> Option<u128> {
        queue.pop(|_| Some(())).map(|(ticket, ())| ticket.user)
    }

    #[test]
    fn people_take_turns_and_are_told_their_places() {
        let mut queue = Queue::default();
        let waiting = [1, 1, 1, 2, 3, 3].map(|user| wait(&mut queue, user));
        assert_eq!(places(&waiting), [1, 4, 6, 2, 3, 5]);
        let order: Vec<_> = std::iter::from_fn(|| next(&mut queue)).collect();
        assert_eq!(order, [1, 2, 3, 1, 3, 1]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn places_move_up_when_somebody_goes() {
        let mut queue = Queue::default();
        let mut waiting: Vec<_> = [1, 2, 1].map(|user| wait(&mut queue, user)).into();
        queue.remove(&waiting[0].0);
        waiting.remove(0);
        // The second request of person 1 is now their first.
        assert_eq!(places(&waiting), [2, 1]);
        assert_eq!(next(&mut queue), Some(1));
        waiting.pop();
        assert_eq!(places(&waiting), [1]);
        drop(waiting.remove(0).1);
        assert_eq!(next(&mut queue), None, "nobody waits for that any more");
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn who_does_not_fit_keeps_the_place() {
        let mut queue = Queue::default();
        let waiting = [1, 2, 2].map(|user| wait(&mut queue, user));
        let taken = queue
            .pop(|ticket| (ticket.user == 2).then_some(()))
            .unwrap();
        assert!(Arc::ptr_eq(&taken.0, &waiting[1].0));
        assert_eq!((next(&mut queue), next(&mut queue)), (Some(1), Some(2)));
    }

    #[test]
    fn a_request_is_granted_once() {
        let mut queue = Queue::default();
        let (ticket, mut granted, _told) = wait(&mut queue, 1);
        assert!(ticket.grant(Grant::Look).is_ok());
        assert!(ticket.grant(Grant::Look).is_err());
        assert!(matches!(granted.try_recv(), Ok(Grant::Look)));
        assert_eq!(next(&mut queue), None);
    }
}
