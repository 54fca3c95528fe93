//! How a link treats a frame: the one decision that the real proxy and the simulated networks share.
//!
//! A link is an ordered pair of nodes. The faults in force on it are kept in the order in which they began. For a frame, the
//! first fault that blocks it (cut, loss) wins; delays add up; a duplicate is made if any fault makes one.
//!
//! A chance is a pure function of (seed, fault, link, frame key, occurrence). The occurrence counts the frames of one key on
//! one link *since the fault began there*. The fault itself does the counting ([`ActiveFault::seen`]), so the count goes when
//! the fault is lifted. Every fault counts every frame, also one that another fault blocks, so that lifting one fault does not
//! change the other's decisions. A link without faults costs nothing, and only a loss or a duplicate looks at the key.

use crate::chance::{happens, mix, of_bytes};
use crate::occurrences::Occurrences;
use crate::plan::{Kind, Mode};

/// A fault in force on one link.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    /// The fault's id in the plan.
    pub id: u32,
    /// What it does to frames.
    pub effect: Effect,
    /// The frames that it has seen.
    pub seen: Occurrences,
}

/// What a fault does to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It blocks every frame.
    Cut(Mode),
    /// It loses a frame with this chance, in millionths.
    Loss(u32),
    /// It doubles a frame with this chance, in millionths.
    Duplicate(u32),
    /// It keeps every frame for so long, ns.
    Delay(u64),
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
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// It is blocked by this fault, in this way; nothing else matters then.
    pub blocked: Option<(u32, Mode)>,
    /// It is kept for so long, ns, by the fault named last.
    pub delay_ns: u64,
    /// The fault that delays it.
    pub delayed_by: Option<u32>,
    /// The fault that sends it a second time.
    pub doubled_by: Option<u32>,
}

impl ActiveFault {
    /// The fault of links that `kind` means; `None` for faults of processes.
    pub fn new(id: u32, kind: &Kind) -> Option<Self> {
        let effect = match kind {
            Kind::Partition { mode, .. } => Effect::Cut(*mode),
            Kind::Loss { chance_ppm, .. } => Effect::Loss(*chance_ppm),
            Kind::Duplicate { chance_ppm, .. } => Effect::Duplicate(*chance_ppm),
            Kind::Delay { delay_us, .. } => Effect::Delay(delay_us.saturating_mul(1_000)),
            Kind::Kill { .. } | Kind::Pause { .. } => return None,
        };
        Some(Self { id, effect, seen: Occurrences::default() })
    }

    /// Whether the decision depends on the frame's key: then the key has to be known.
    pub fn needs_key(&self) -> bool {
        matches!(self.effect, Effect::Loss(_) | Effect::Duplicate(_))
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
    for fault in active {
        let (id, effect) = (fault.id, fault.effect);
        match effect {
            Effect::Cut(mode) => decision.block(id, mode),
            Effect::Loss(ppm) if fault.strikes(seed, (link, key), ppm) => decision.block(id, Mode::Drop),
            Effect::Duplicate(ppm) if fault.strikes(seed, (link, key), ppm) => decision.doubled_by = Some(id),
            Effect::Delay(delay_ns) => {
                decision.delay_ns = decision.delay_ns.saturating_add(delay_ns);
                decision.delayed_by = Some(id);
            }
            Effect::Loss(_) | Effect::Duplicate(_) => {}
        }
    }
    decision
}

impl Decision {
    fn block(&mut self, id: u32, mode: Mode) {
        self.blocked = self.blocked.or(Some((id, mode)));
    }
}

impl ActiveFault {
    /// Whether chance has it that this fault strikes the next frame of this key on this link.
    fn strikes(&mut self, seed: u64, (link, key): (u64, u64), ppm: u32) -> bool {
        let nth = self.seen.next(key);
        happens(mix(seed, &[u64::from(self.id), link, key, u64::from(nth)]), ppm)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{ActiveFault, Decision, Effect, Frame, decide};
    use crate::plan::{Kind, Mode};

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
        Frame { from: 0, to: 1, key }
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
            let fate = |_| decide(seed, &mut active, Frame { from, to: 1, key: b"a" }).blocked.is_some();
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
            lost(u64::MAX, 3, Frame { from: 4, to: 2, key: b"send/1" }),
            lost(0, 1, Frame { from: 1, to: 0, key: b"" }),
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
