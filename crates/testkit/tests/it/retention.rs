//! Retention against a model: whatever is pushed, pulled, tagged, promoted, rolled back, held, kept, leased, seen running, deleted and
//! collected, in whatever order and with a crash at any step, everything that a root leads to can be pulled, byte by byte.

mod model;
mod shelf;

use domain::Span;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use testkit::Column;

use model::Model;
use shelf::Shelf;

/// What happens. Numbers name images, indexes and so on, and wrap around where there are fewer.
#[derive(Clone, Debug)]
enum Op {
    Image(usize),
    Index(usize),
    Referrer(usize),
    Signature(usize),
    Tag(usize, usize),
    Untag(usize),
    Delete(usize),
    Promote(usize, usize),
    RollBack(usize),
    Hold(usize),
    Unhold(usize),
    Keep(usize),
    Unkeep(usize),
    Lease(usize, usize, u64),
    Unlease(usize),
    Observe(usize, usize),
    Pull(usize),
    Restore(usize),
    Plan,
    Apply,
    PlanAndApply,
    Step,
    Finish,
    EmptyTrash,
    Wait(u64),
    Crash,
}

fn anything() -> impl Strategy<Value = Vec<Op>> {
    let any = || 0..12_usize;
    let op = prop_oneof![
        8 => any().prop_map(Op::Image),
        3 => any().prop_map(Op::Index),
        2 => any().prop_map(Op::Referrer),
        2 => any().prop_map(Op::Signature),
        2 => (any(), any()).prop_map(|(image, tag)| Op::Tag(image, tag)),
        1 => any().prop_map(Op::Untag),
        1 => any().prop_map(Op::Delete),
        2 => (any(), any()).prop_map(|(artifact, stage)| Op::Promote(artifact, stage)),
        1 => any().prop_map(Op::RollBack),
        1 => any().prop_map(Op::Hold),
        2 => any().prop_map(Op::Unhold),
        1 => any().prop_map(Op::Keep),
        2 => any().prop_map(Op::Unkeep),
        2 => (any(), any(), 1..6_u64).prop_map(|(number, other, hours)| Op::Lease(number, other, hours)),
        1 => any().prop_map(Op::Unlease),
        2 => (any(), any()).prop_map(|(number, other)| Op::Observe(number, other)),
        3 => any().prop_map(Op::Pull),
        3 => any().prop_map(Op::Restore),
        1 => Just(Op::Plan),
        1 => Just(Op::Apply),
        5 => Just(Op::PlanAndApply),
        12 => Just(Op::Step),
        2 => Just(Op::Finish),
        1 => Just(Op::EmptyTrash),
        6 => prop::sample::select(vec![1, 3, 5, 14_u64]).prop_map(Op::Wait),
        1 => Just(Op::Crash),
    ];
    prop::collection::vec(op, 40..70)
}

/// Plan after plan, with claims that end by themselves before each and while it is carried out: many, on few things, several of the same.
fn claims() -> impl Strategy<Value = Vec<Op>> {
    let few = || 0..5_usize;
    let wait = |hours: &'static [u64]| prop::sample::select(hours).prop_map(Op::Wait);
    // For no stage.
    let other = || prop::sample::select(vec![0, 2, 3, 5, 6, 9_usize]);
    let claim = move || {
        prop_oneof![
            4 => (few(), other(), 2..9_u64).prop_map(|(number, other, hours)| Op::Lease(number, other, hours)),
            2 => few().prop_map(Op::Unlease),
            3 => (few(), few()).prop_map(|(number, other)| Op::Observe(number, other)),
            4 => few().prop_map(Op::Pull),
        ]
    };
    let before = prop_oneof![
        5 => few().prop_map(Op::Image),
        2 => few().prop_map(Op::Index),
        1 => few().prop_map(Op::Referrer),
        3 => (few(), few()).prop_map(|(image, tag)| Op::Tag(image, 2 * tag + 1)),
        6 => claim(),
        1 => few().prop_map(Op::Delete),
        3 => wait(&[1, 3, 5]),
        1 => Just(Op::Crash),
    ];
    let during = prop_oneof![3 => Just(Op::Step), 3 => claim(), 1 => wait(&[1])];
    let some = (prop::collection::vec(before, 4..9), wait(&[2, 6]), prop::collection::vec(during, 4..9));
    let whole = some.prop_map(|(before, wait, during)| {
        before.into_iter().chain([wait, Op::PlanAndApply]).chain(during).chain([Op::Finish]).collect::<Vec<_>>()
    });
    prop::collection::vec(whole, 5..8).prop_map(|rounds| rounds.concat())
}

#[test]
fn no_root_ever_loses_a_byte() {
    let told = lived_through(8, anything(), Column::of_this_run);
    assert!(told.collected >= 30 && told.restored >= 2, "too little happens: {told:?}");
}

/// The same where several machines share the storage.
#[test]
fn nor_on_storage_that_is_shared() {
    let told = lived_through(2, anything(), Column::scale_out);
    assert!(told.collected >= 5, "too little happens: {told:?}");
}

#[test]
fn nor_does_what_is_claimed_or_pulled() {
    let told = lived_through(12, claims(), Column::of_this_run);
    assert!(told.collected >= 60 && told.claimed >= 60 && told.used >= 10, "too little happens: {told:?}");
}

/// How many manifests were collected in all, how many restored, and how many stayed only because of what somebody claimed or pulled.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    collected: usize,
    restored: usize,
    claimed: usize,
    used: usize,
}

/// Lives through so many lives.
fn lived_through(lives: u32, ops: impl Strategy<Value = Vec<Op>>, column: impl Fn() -> Column) -> Told {
    let config = Config { cases: lives, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let told = std::cell::Cell::new(Told::default());
    let lived = runner.run(&ops, |ops| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let model = runtime.block_on(live(column(), &ops));
        let before = told.get();
        told.set(Told {
            collected: before.collected + model.collected,
            restored: before.restored + model.restored,
            claimed: before.claimed + model.claimed,
            used: before.used + model.used,
        });
        Ok(())
    });
    lived.expect("nothing is lost");
    told.get()
}

/// Lives through the steps, and looks at everything after each.
async fn live(column: Column, ops: &[Op]) -> Model {
    let mut shelf = Shelf::on(column).await;
    let mut model = Model::default();
    for op in ops {
        shelf = take(shelf, &mut model, op).await;
        shelf.follow(&mut model).await;
        shelf.check(&model).await;
    }
    // To its end, and once more from the beginning.
    for _ in 0..2 {
        shelf.world.clock.advance(Span::from_secs(30 * 3600));
        shelf = take(shelf, &mut model, &Op::Plan).await;
        for op in [Op::Apply, Op::Finish, Op::Restore(0), Op::Restore(3), Op::EmptyTrash] {
            shelf = take(shelf, &mut model, &op).await;
            shelf.follow(&mut model).await;
            shelf.check(&model).await;
        }
    }
    shelf.check_pulls(&model).await;
    shelf.check_plans().await;
    shelf.world.audit().await;
    model
}

async fn take(mut shelf: Shelf, model: &mut Model, op: &Op) -> Shelf {
    match op {
        Op::Image(number) => shelf.image(model, *number).await,
        Op::Index(number) => shelf.index(model, *number).await,
        Op::Referrer(number) => shelf.referrer(model, *number).await,
        Op::Signature(number) => shelf.signature(model, *number).await,
        Op::Tag(number, tag) => shelf.tag(model, *number, *tag).await,
        Op::Untag(tag) => shelf.untag(model, *tag).await,
        Op::Delete(number) => shelf.delete(model, *number).await,
        Op::Promote(number, stage) => shelf.promote(model, *number, stage % 2).await,
        Op::RollBack(stage) => shelf.roll_back(model, stage % 2).await,
        Op::Hold(number) => shelf.hold(model, *number).await,
        Op::Unhold(number) => shelf.unhold(model, *number).await,
        Op::Keep(number) => shelf.keep(model, *number).await,
        Op::Unkeep(number) => shelf.unkeep(model, *number).await,
        Op::Lease(number, other, hours) => shelf.lease(model, *number, *other, *hours).await,
        Op::Unlease(number) => shelf.unlease(model, *number).await,
        Op::Observe(number, other) => shelf.observe(model, *number, *other).await,
        Op::Pull(number) => shelf.pull(model, *number).await,
        Op::Restore(number) => shelf.restore(model, *number).await,
        Op::Plan => shelf.plan(model).await,
        Op::Apply => shelf.apply().await,
        Op::PlanAndApply => {
            shelf.plan(model).await;
            shelf.apply().await;
        }
        Op::Step => drop(shelf.step(1).await),
        Op::Finish => while shelf.step(64).await == engine::Step::More {},
        Op::EmptyTrash => shelf.empty_trash().await,
        Op::Wait(hours) => shelf.world.clock.advance(Span::from_secs(hours * 3600)),
        Op::Crash => shelf = shelf.crash().await,
    }
    shelf
}
