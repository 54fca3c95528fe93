//! How a link treats a frame: the one decision that the real proxy and the simulated networks share.
//!
//! A link is an ordered pair of nodes. The faults in force on it are kept in the order in which they began, and a frame meets
//! them in this order, one behind the other. The first fault that blocks it (cut, loss) has it; what delays it adds up; a
//! duplicate is made if any fault makes one. A link of limited rate is a queue: a frame begins to cross it when the frame before
//! it has crossed, so a frame that an earlier fault has lost takes none of it, and one that was doubled takes twice as much.
//!
//! A chance is a pure function of (seed, fault, link, frame key, occurrence). The occurrence counts the frames of one key on
//! one link *since the fault began there*. The fault itself does the counting ([`ActiveFault::seen`]), so the count goes when
//! the fault is lifted. Every fault counts every frame, also one that another fault blocks, so that lifting one fault does not
//! change the other's decisions. A link without faults costs nothing, and only what chance decides looks at the key.
//!
//! What takes turns (a flap) is a cut that the executor puts in force and lifts as it is due. What happens to connections and
//! not to frames (`reset-connections`, the ends of a half-open connection) is the executor's as well.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::chance::{happens, mix, of_bytes};
use crate::occurrences::Occurrences;
use crate::plan::{Fate, Kind, Mode};

/// A fault in force on one link.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    /// The fault's id in the plan.
    pub id: u32,
    /// What it does to frames.
    pub effect: Effect,
    /// The frames that it has seen.
    pub seen: Occurrences,
    /// Until when a link of limited rate is taken by the frames that came before, ns.
    pub busy_until_ns: u64,
    /// The fates of single frames, by the hash of the key and the occurrence.
    fates: Rc<BTreeMap<(u64, u32), Vec<Fate>>>,
    /// Whether it has had a part in the last decision: it blocked the frame, or kept or doubled one that nothing blocked.
    pub struck: bool,
}

/// What a fault does to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It blocks every frame.
    Cut(Mode),
    /// It lets every frame go nowhere, behind the sender's back.
    HalfOpen,
    /// It loses a frame with this chance, in millionths.
    Loss(u32),
    /// It doubles a frame with this chance, in millionths.
    Duplicate(u32),
    /// It keeps every frame for so long, ns.
    Delay(u64),
    /// It keeps every frame for a time of its own, of at most so long, ns.
    Jitter(u64),
    /// With this chance, in millionths, it sets a frame aside for so long, ns.
    Reorder(u32, u64),
    /// It carries so many bytes a second.
    Rate(u64),
    /// Frames that it names meet their fates; others pass.
    Bites,
    /// Frames that it names meet their fates; others are lost.
    BitesAlone,
}

/// A frame on its way.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The sender's position in the plan's nodes.
    pub from: usize,
    /// The receiver's position.
    pub to: usize,
    /// The name of the protocol step that it carries.
    pub key: &'a [u8],
    /// Its length on the wire, bytes.
    pub bytes: u64,
    /// When it came to the link, ns since the run began.
    pub at_ns: u64,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// It is blocked by this fault, in this way; nothing else matters then. A half-open connection drops.
    pub blocked: Option<(u32, Mode)>,
    /// It is kept for so long since it came, ns, whatever keeps it; the fault that did so last is `delayed_by`.
    pub delay_ns: u64,
    /// It arrives at this time of the main phase, ns, or as soon after that as it is sent, out of any order. Whoever keeps no
    /// virtual time can't do that.
    pub arrives_ns: Option<u64>,
    /// In virtual time it takes so long from its sender to its receiver, ns, and not as long as it otherwise would.
    pub takes_ns: Option<u64>,
    /// The fault that delays it.
    pub delayed_by: Option<u32>,
    /// The fault that sets it aside: it leaves the order of its link, and what comes later and is due earlier overtakes it. A
    /// frame that is not set aside waits for those in front of it that are not either.
    pub set_aside_by: Option<u32>,
    /// The fault that sends it a second time, right after the first.
    pub doubled_by: Option<u32>,
}

impl ActiveFault {
    /// The fault of links that `kind` means, on the link between nodes of these names; `None` for what is none: faults of
    /// processes, and what happens to connections at one moment.
    pub fn on_link(id: u32, kind: &Kind, (from, to): (&str, &str)) -> Option<Self> {
        let fault = Self::new(id, kind)?;
        let Kind::Bites { frames, silent } = kind else { return Some(fault) };
        let mut fates: BTreeMap<(u64, u32), Vec<Fate>> = BTreeMap::new();
        for bite in frames.iter().filter(|bite| bite.link.0 == from && bite.link.1 == to) {
            fates.entry((of_bytes(bite.key.as_bytes()), bite.nth)).or_default().push(bite.fate);
        }
        let is_silent = silent.iter().any(|node| node == from);
        let effect = if is_silent { Effect::BitesAlone } else { Effect::Bites };
        Some(Self { effect, fates: Rc::new(fates), ..fault })
    }

    /// The fault of links that `kind` means, on any link; one that names frames names none of them.
    pub fn new(id: u32, kind: &Kind) -> Option<Self> {
        let ns = |us: &u64| us.saturating_mul(1_000);
        let effect = match kind {
            Kind::Partition { mode, .. } => Effect::Cut(*mode),
            Kind::Flap { .. } => Effect::Cut(Mode::Drop),
            Kind::HalfOpen { .. } => Effect::HalfOpen,
            Kind::Loss { chance_ppm, .. } => Effect::Loss(*chance_ppm),
            Kind::Duplicate { chance_ppm, .. } => Effect::Duplicate(*chance_ppm),
            Kind::Delay { delay_us, .. } => Effect::Delay(ns(delay_us)),
            Kind::Jitter { delay_max_us, .. } => Effect::Jitter(ns(delay_max_us)),
            Kind::Reorder { chance_ppm, delay_us, .. } => Effect::Reorder(*chance_ppm, ns(delay_us)),
            Kind::Rate { bytes_per_second, .. } => Effect::Rate(*bytes_per_second),
            Kind::Bites { .. } => Effect::Bites,
            _ => return None,
        };
        let (seen, fates) = (Occurrences::default(), Rc::default());
        Some(Self { id, effect, seen, busy_until_ns: 0, fates, struck: false })
    }

    /// Whether the decision depends on the frame's key: then the key has to be known.
    pub fn needs_key(&self) -> bool {
        match self.effect {
            Effect::Loss(_) | Effect::Duplicate(_) | Effect::Jitter(_) | Effect::Reorder(..) => true,
            Effect::Bites | Effect::BitesAlone => true,
            Effect::Cut(_) | Effect::HalfOpen | Effect::Delay(_) | Effect::Rate(_) => false,
        }
    }
}

/// Decides what becomes of a frame under the faults in force on its link, and counts it as seen by them.
pub fn decide(seed: u64, active: &mut [ActiveFault], frame: Frame<'_>) -> Decision {
    let mut decision = Decision::default();
    if active.is_empty() {
        return decision;
    }
    let key = if active.iter().any(ActiveFault::needs_key) { of_bytes(frame.key) } else { 0 };
    let link = (frame.from as u64) << 32 | frame.to as u64;
    for fault in active.iter_mut() {
        fault.struck = match fault.effect {
            Effect::Bites | Effect::BitesAlone => fault.bite(key, &mut decision),
            _ => {
                let hash = fault.draw(seed, (link, key));
                fault.meet(hash, (frame.bytes, frame.at_ns), &mut decision)
            }
        };
    }
    if let Some((blocked_by, _)) = decision.blocked {
        active.iter_mut().for_each(|fault| fault.struck = fault.id == blocked_by);
    }
    decision
}

impl ActiveFault {
    /// What chance says of the next frame of this key on this link; 0 where the fault leaves nothing to chance.
    fn draw(&mut self, seed: u64, (link, key): (u64, u64)) -> u64 {
        if !self.needs_key() {
            return 0;
        }
        let nth = self.seen.next(key);
        mix(seed, &[u64::from(self.id), link, key, u64::from(nth)])
    }

    /// Adds to a decision the fates that a fault has for the next frame of this key; gives whether it has any.
    fn bite(&mut self, key: u64, decision: &mut Decision) -> bool {
        let nth = self.seen.next(key);
        let fates = self.fates.get(&(key, nth)).map_or(&[][..], Vec::as_slice);
        for fate in fates {
            match fate {
                Fate::Lost => decision.blocked = decision.blocked.or(Some((self.id, Mode::Drop))),
                Fate::Doubled => decision.doubled_by = Some(self.id),
                Fate::LateUs(late_us) => {
                    decision.set_aside_by = Some(self.id);
                    decision.takes_ns = Some(late_us.saturating_mul(1_000));
                    decision.delay(self.id, late_us.saturating_mul(1_000));
                }
                Fate::AtUs(at_us) => {
                    decision.arrives_ns = Some(at_us.saturating_mul(1_000));
                    decision.delayed_by = Some(self.id);
                }
            }
        }
        if fates.is_empty() && self.effect == Effect::BitesAlone {
            return decision.block(self.id, Mode::Drop);
        }
        !fates.is_empty()
    }

    /// Adds to a decision what this fault does; gives whether it does anything.
    fn meet(&mut self, hash: u64, (bytes, at_ns): (u64, u64), decision: &mut Decision) -> bool {
        match self.effect {
            Effect::Cut(mode) => decision.block(self.id, mode),
            Effect::HalfOpen => decision.block(self.id, Mode::Drop),
            Effect::Loss(ppm) => happens(hash, ppm) && decision.block(self.id, Mode::Drop),
            Effect::Duplicate(ppm) if happens(hash, ppm) => {
                decision.doubled_by = Some(self.id);
                true
            }
            Effect::Delay(delay_ns) => decision.delay(self.id, delay_ns),
            Effect::Jitter(most_ns) => decision.delay(self.id, up_to(hash, most_ns)),
            Effect::Reorder(ppm, delay_ns) if happens(hash, ppm) => {
                decision.set_aside_by = Some(self.id);
                decision.delay(self.id, delay_ns)
            }
            Effect::Rate(bytes_per_second) if decision.blocked.is_none() => {
                let copies = 1 + u64::from(decision.doubled_by.is_some());
                let came_ns = at_ns.saturating_add(decision.delay_ns);
                let begins_ns = came_ns.max(self.busy_until_ns);
                let takes_ns = crossing_ns(bytes.saturating_mul(copies), bytes_per_second);
                self.busy_until_ns = begins_ns.saturating_add(takes_ns);
                decision.delay(self.id, self.busy_until_ns - came_ns)
            }
            Effect::Duplicate(_) | Effect::Reorder(..) | Effect::Rate(_) | Effect::Bites | Effect::BitesAlone => false,
        }
    }
}

impl Decision {
    /// The first that blocks wins.
    fn block(&mut self, id: u32, mode: Mode) -> bool {
        self.blocked = self.blocked.or(Some((id, mode)));
        true
    }

    fn delay(&mut self, id: u32, delay_ns: u64) -> bool {
        self.delay_ns = self.delay_ns.saturating_add(delay_ns);
        if delay_ns > 0 {
            self.delayed_by = Some(id);
        }
        delay_ns > 0
    }
}

/// A number from 0 to `most`, given its hash.
fn up_to(hash: u64, most: u64) -> u64 {
    let numbers = u128::from(most) + 1;
    ((u128::from(hash) * numbers) >> 64) as u64
}

/// How long so many bytes take at this rate, ns, rounded up.
fn crossing_ns(bytes: u64, bytes_per_second: u64) -> u64 {
    let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(bytes_per_second.max(1)));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{ActiveFault, Decision, Effect, Frame, decide};
    use crate::plan::{Bite, Fate, Kind, Mode};

    fn loss(id: u32, chance_ppm: u32) -> ActiveFault {
        ActiveFault::new(id, &Kind::Loss { chance_ppm, links: vec![] }).unwrap()
    }

    fn cut(id: u32, mode: Mode) -> ActiveFault {
        ActiveFault::new(id, &Kind::Partition { shape: String::new(), mode, cut: vec![], around_leader: None }).unwrap()
    }

    fn delay(id: u32, delay_us: u64) -> ActiveFault {
        ActiveFault::new(id, &Kind::Delay { delay_us, links: vec![] }).unwrap()
    }

    fn frame(key: &[u8]) -> Frame<'_> {
        Frame { from: 0, to: 1, key, bytes: 64, at_ns: 0 }
    }

    #[test]
    fn a_link_without_faults_lets_everything_pass() {
        assert_eq!(decide(7, &mut [], frame(b"relay/1")), Decision::default());
    }

    #[test]
    fn the_first_fault_that_blocks_wins_and_delays_add_up() {
        let mut active = [delay(1, 5), cut(2, Mode::Hold), cut(3, Mode::Drop), delay(4, 7)];
        let decision = decide(7, &mut active, frame(b"relay/1"));
        assert_eq!(decision.blocked, Some((2, Mode::Hold)));
        assert_eq!((decision.delay_ns, decision.delayed_by), (12_000, Some(4)));
    }

    fn fault(id: u32, kind: Kind) -> ActiveFault {
        ActiveFault::new(id, &kind).unwrap()
    }

    fn struck(active: &[ActiveFault]) -> Vec<u32> {
        active.iter().filter(|fault| fault.struck).map(|fault| fault.id).collect()
    }

    #[test]
    fn a_fault_that_names_frames_gives_each_its_fate_and_leaves_the_others_alone() {
        let link = ("n1".to_owned(), "n2".to_owned());
        let bite = |key: &str, nth, fate| Bite { link: link.clone(), key: key.to_owned(), nth, fate };
        let frames = vec![
            bite("a", 1, Fate::Lost),
            bite("b", 2, Fate::LateUs(5)),
            bite("c", 1, Fate::Doubled),
            bite("c", 1, Fate::AtUs(7)),
        ];
        let kind = |silent: &[&str]| Kind::Bites {
            frames: frames.clone(),
            silent: silent.iter().map(|name| (*name).to_owned()).collect(),
        };
        let decide_all =
            |mut active: [ActiveFault; 1]| [b"a", b"a", b"b", b"b", b"c"].map(|key| decide(7, &mut active, frame(key)));
        let [lost, passed, first, late, third] =
            decide_all([ActiveFault::on_link(1, &kind(&[]), ("n1", "n2")).unwrap()]);
        assert_eq!((lost.blocked, passed, first), (Some((1, Mode::Drop)), Decision::default(), Decision::default()));
        assert_eq!((late.set_aside_by, late.delay_ns), (Some(1), 5_000));
        assert_eq!((third.doubled_by, third.arrives_ns), (Some(1), Some(7_000)));
        let elsewhere = decide_all([ActiveFault::on_link(1, &kind(&[]), ("n2", "n1")).unwrap()]);
        assert!(elsewhere.iter().all(|decision| *decision == Decision::default()));
        let silent = decide_all([ActiveFault::on_link(1, &kind(&["n1"]), ("n1", "n2")).unwrap()]);
        let lost: Vec<bool> = silent.iter().map(|decision| decision.blocked.is_some()).collect();
        assert_eq!(lost, [true, true, true, false, false]);
    }

    #[test]
    fn jitter_is_spread_evenly_up_to_its_most_and_is_the_same_for_the_same_frame() {
        let delays = |seed: u64| -> Vec<u64> {
            let mut active = [fault(1, Kind::Jitter { delay_max_us: 1, links: vec![] })];
            (0..10_000).map(|_| decide(seed, &mut active, frame(b"a")).delay_ns).collect()
        };
        let drawn = delays(7);
        assert_eq!(drawn, delays(7));
        assert_ne!(drawn, delays(8));
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&0), Some(&1_000)));
        let mean = drawn.iter().sum::<u64>() / 10_000;
        assert!((480..520).contains(&mean), "{mean}");
    }

    #[test]
    fn what_reorder_strikes_is_set_aside_for_its_time_and_the_rest_is_not_touched() {
        let mut active = [fault(1, Kind::Reorder { chance_ppm: 300_000, delay_us: 5, links: vec![] })];
        let decisions: Vec<Decision> = (0..1_000).map(|_| decide(7, &mut active, frame(b"a"))).collect();
        let (aside, rest): (Vec<_>, Vec<_>) = decisions.into_iter().partition(|d| d.set_aside_by.is_some());
        let set_aside = Decision { set_aside_by: Some(1), delay_ns: 5_000, delayed_by: Some(1), ..Decision::default() };
        assert!(aside.iter().all(|decision| *decision == set_aside));
        assert!(rest.iter().all(|decision| *decision == Decision::default()));
        assert!((240..360).contains(&aside.len()), "{}", aside.len());
    }

    #[test]
    fn a_link_of_limited_rate_is_a_queue_that_empties_with_time() {
        let mut active = [fault(1, Kind::Rate { bytes_per_second: 1_000_000, links: vec![] })];
        let mut delay = |at_ns: u64| decide(7, &mut active, Frame { at_ns, ..frame(b"a") }).delay_ns;
        // 64 bytes take 64 us.
        assert_eq!([delay(0), delay(0), delay(10_000)], [64_000, 128_000, 182_000]);
        assert_eq!(delay(192_000), 64_000);
        assert_eq!(delay(1_000_000), 64_000);
    }

    #[test]
    fn a_frame_meets_the_faults_in_their_order_what_is_lost_takes_no_rate_and_a_copy_takes_its_own() {
        let rate = || fault(9, Kind::Rate { bytes_per_second: 1_000_000, links: vec![] });
        let after = |first: ActiveFault| {
            let mut active = [first, rate()];
            decide(7, &mut active, frame(b"a"));
            (active[1].busy_until_ns, struck(&active))
        };
        assert_eq!(after(cut(1, Mode::Drop)), (0, vec![1]));
        assert_eq!(after(delay(1, 5)), (5_000 + 64_000, vec![1, 9]));
        let double = fault(1, Kind::Duplicate { chance_ppm: 1_000_000, links: vec![] });
        assert_eq!(after(double), (128_000, vec![1, 9]));
        let mut charged_first = [rate(), cut(1, Mode::Drop)];
        decide(7, &mut charged_first, frame(b"a"));
        assert_eq!((charged_first[0].busy_until_ns, struck(&charged_first)), (64_000, vec![1]));
    }

    #[test]
    fn a_flap_is_a_cut_while_it_is_down_and_a_half_open_link_leads_nowhere() {
        let flap = fault(1, Kind::Flap { up_us: 5, down_us: 5, links: vec![] });
        assert_eq!(decide(7, &mut [flap], frame(b"a")).blocked, Some((1, Mode::Drop)));
        let half_open = fault(2, Kind::HalfOpen { links: vec![] });
        assert_eq!(half_open.effect, Effect::HalfOpen);
        assert_eq!(decide(7, &mut [half_open], frame(b"a")).blocked, Some((2, Mode::Drop)));
        assert!(ActiveFault::new(3, &Kind::ResetConnections { links: vec![] }).is_none());
    }

    #[test]
    fn a_retransmission_has_its_own_chance_and_other_keys_do_not_shift_it() {
        let fates = |keys: &[&str]| -> Vec<bool> {
            let mut active = [loss(1, 500_000)];
            let lost = |key: &&str| decide(7, &mut active, frame(key.as_bytes())).blocked.is_some();
            keys.iter().map(lost).collect()
        };
        let alone = fates(&["a"; 64]);
        assert!(alone.contains(&true) && alone.contains(&false));
        let mixed = fates(&["a", "b"].repeat(64));
        let of_a: Vec<bool> = mixed.into_iter().step_by(2).collect();
        assert_eq!(of_a[..64], alone);
    }

    #[test]
    fn another_fault_seed_or_link_is_another_chance() {
        let fates = |seed: u64, id: u32, from: usize| -> Vec<bool> {
            let mut active = [loss(id, 500_000)];
            let fate = |_| decide(seed, &mut active, Frame { from, ..frame(b"a") }).blocked.is_some();
            (0..64).map(fate).collect()
        };
        let base = fates(7, 1, 0);
        assert_eq!(base, fates(7, 1, 0));
        for other in [fates(8, 1, 0), fates(7, 2, 0), fates(7, 1, 2)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn lifting_a_cut_does_not_change_what_a_loss_decides() {
        let fates = |mut active: Vec<ActiveFault>| -> Vec<bool> {
            let mut fate = |_| {
                let decision = decide(7, &mut active, frame(b"a"));
                active.retain(|fault| fault.id != 9 || fault.effect != Effect::Cut(Mode::Drop));
                decision.blocked.is_some_and(|(id, _)| id == 1)
            };
            (0..64).map(&mut fate).collect()
        };
        assert_eq!(fates(vec![loss(1, 500_000)])[1..], fates(vec![cut(9, Mode::Drop), loss(1, 500_000)])[1..]);
    }

    /// Which of the first 64 occurrences are lost, a bit each.
    fn lost(seed: u64, id: u32, named: Frame<'_>) -> u64 {
        let mut active = [loss(id, 300_000)];
        (0..64).fold(0, |bits, at| bits | u64::from(decide(seed, &mut active, named).blocked.is_some()) << at)
    }

    #[test]
    fn decisions_never_change() {
        let decisions = [
            lost(7, 1, frame(b"relay/17")),
            lost(7, 1, frame(b"ack/relay/17")),
            lost(u64::MAX, 3, Frame { from: 4, to: 2, ..frame(b"send/1") }),
            lost(0, 1, Frame { from: 1, to: 0, ..frame(b"") }),
        ];
        expect![[r#"
            [
                "110000154910404a",
                "011070848c027239",
                "07080c1487410964",
                "c2508410c1431580",
            ]
        "#]]
        .assert_debug_eq(&decisions.map(|bits| format!("{bits:016x}")));
    }

    #[test]
    fn the_share_of_lost_and_doubled_frames_is_the_chance() {
        for chance_ppm in [0, 1_000, 200_000, 500_000, 999_000, 1_000_000] {
            let duplicate = ActiveFault::new(2, &Kind::Duplicate { chance_ppm, links: vec![] }).unwrap();
            let mut active = [loss(1, chance_ppm), duplicate];
            let (mut lost, mut doubled, mut both) = (0_i64, 0_i64, 0_i64);
            for message in 0..25_000 {
                for _ in 0..4 {
                    let decision = decide(7, &mut active, frame(format!("relay/{message}").as_bytes()));
                    let (is_lost, is_doubled) = (decision.blocked.is_some(), decision.doubled_by.is_some());
                    lost += i64::from(is_lost);
                    doubled += i64::from(is_doubled);
                    both += i64::from(is_lost && is_doubled);
                }
            }
            // Four standard deviations of 100,000 throws are at most 632.
            let share = i64::from(chance_ppm) / 10;
            assert!((lost - share).abs() < 650 && (doubled - share).abs() < 650, "{chance_ppm}: {lost} {doubled}");
            // Independent: the share of both is the product.
            assert!((both - share * i64::from(chance_ppm) / 1_000_000).abs() < 650, "{chance_ppm}: {both}");
        }
    }

    #[test]
    fn what_happens_to_one_key_says_nothing_about_the_next() {
        let fate = |message: u64| decide(7, &mut [loss(1, 500_000)], frame(format!("relay/{message}").as_bytes()));
        let fates: Vec<bool> = (0..100_001).map(|message| fate(message).blocked.is_some()).collect();
        for distance in [1, 2, 10] {
            let alike = fates.windows(distance + 1).filter(|window| window[0] == window[distance]).count();
            assert!((49_350..50_650).contains(&alike), "{distance}: {alike}");
        }
    }
}
