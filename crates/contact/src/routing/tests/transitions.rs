//! Which test takes which transition of the tables of routing: state, input, test. The tests are looked up, so that none is renamed or
//! removed unnoticed.

/// The sources of the tests.
const SOURCES: &[&str] = &[
    include_str!("agents.rs"),
    include_str!("callbacks.rs"),
    include_str!("capacity.rs"),
    include_str!("offers.rs"),
    include_str!("order.rs"),
    include_str!("plans.rs"),
    include_str!("statuses.rs"),
];

type Transition = (&'static str, &'static str, &'static str);

const QUEUED: &[Transition] = &[
    ("scheduled", "due", "a_callback_is_scheduled_until_it_is_due_and_waits_from_then_on"),
    ("scheduled", "due, no place", "a_callback_that_is_due_finds_place_in_the_buffer_or_waits_for_one"),
    ("scheduled", "leave", "a_callback_that_is_cancelled_is_gone_and_its_offer_ends"),
    ("scheduled, waiting", "expired", "a_callback_is_kept_for_seven_days"),
    ("waiting", "offered", "a_contact_goes_to_the_agent_who_is_idle_for_longest"),
    ("waiting", "leave", "an_instance_that_is_forgotten_leaves_nothing"),
    ("offered", "accepted", "an_accepted_contact_is_still_queued_until_they_are_joined"),
    ("offered", "accepted, callback", "a_callback_is_taken_out_of_its_queue_when_the_agent_accepts_it"),
    ("offered", "joined", "a_customer_who_leaves_while_it_rings_leaves_the_agent_free_in_his_place"),
    (
        "offered",
        "rung out",
        "a_contact_keeps_its_place_when_an_agent_does_not_answer_and_goes_to_the_next_one",
    ),
    ("offered", "failed", "a_failure_at_the_agents_side_is_an_error_and_the_contact_goes_to_the_next"),
    ("offered", "leave", "a_customer_who_leaves_while_it_rings_leaves_the_agent_free_in_his_place"),
    ("offered, accepted", "expired", "a_callback_that_an_agent_has_does_not_expire"),
    ("accepted", "dequeued", "a_contact_leaves_its_queue_when_the_agent_whisper_is_over"),
    ("accepted", "joined", "an_accepted_contact_is_still_queued_until_they_are_joined"),
    (
        "accepted",
        "missed",
        "an_agent_who_hangs_up_in_the_whisper_has_missed_the_contact_and_it_goes_to_the_next",
    ),
    (
        "accepted",
        "nothing is heard",
        "an_accepted_offer_of_which_nothing_is_heard_ends_and_the_contact_is_offered_to_the_next",
    ),
    ("accepted", "leave", "a_customer_who_leaves_in_the_whisper_leaves_the_agent_free"),
    (
        "accepted, dialled",
        "unanswered",
        "a_customer_who_does_not_answer_is_called_again_after_the_delay_until_the_attempts_are_spent",
    ),
];

const HANDLED: &[Transition] = &[
    ("incoming", "accepted", "a_callback_is_taken_out_of_its_queue_when_the_agent_accepts_it"),
    ("incoming", "missed", "a_refused_offer_of_a_callback_is_no_failed_attempt"),
    ("connecting", "joined", "an_accepted_contact_is_still_queued_until_they_are_joined"),
    ("connecting", "answered", "an_agent_who_dials_is_on_a_contact_at_once_in_any_status"),
    (
        "connecting",
        "rung out",
        "a_contact_keeps_its_place_when_an_agent_does_not_answer_and_goes_to_the_next_one",
    ),
    ("connecting", "failed", "a_failure_at_the_agents_side_is_an_error_and_the_contact_goes_to_the_next"),
    ("connecting", "contact gone", "a_customer_who_leaves_while_it_rings_leaves_the_agent_free_in_his_place"),
    (
        "connecting",
        "ended, the caller waits",
        "an_agent_who_hangs_up_in_the_whisper_has_missed_the_contact_and_it_goes_to_the_next",
    ),
    (
        "connecting",
        "ended, the caller waits no longer",
        "an_agent_who_leaves_in_the_customer_whisper_has_work_and_the_contact_is_not_queued_again",
    ),
    ("connected, on hold", "held", "a_contact_on_hold_keeps_the_stamp_of_when_it_was_connected"),
    ("connected, on hold", "ended", "a_contact_on_hold_keeps_the_stamp_of_when_it_was_connected"),
    ("connected", "contact gone", "a_contact_that_is_closed_has_ended_for_each_agent_on_it"),
    (
        "connected",
        "ended, no telephone",
        "an_agent_whose_telephone_goes_while_he_is_on_a_contact_is_offline_after_it",
    ),
    ("missed, error", "dismiss", "the_agent_who_missed_a_contact_may_be_offered_it_again"),
    ("missed, error", "a status chosen", "a_missed_contact_sticks_until_it_is_cleared_or_a_status_is_chosen"),
    ("missed, error", "its deadline", "a_missed_contact_is_cleared_by_itself_where_the_options_say_so"),
    ("work", "dismiss", "after_contact_work_without_a_limit_lasts_until_the_agent_ends_it"),
    ("work", "a status chosen", "choosing_a_status_ends_after_contact_work_and_it_holds_at_once"),
    ("work", "its deadline", "after_contact_work_ends_by_its_limit"),
    ("work", "a direct offer", "a_direct_offer_needs_an_available_agent_and_cuts_his_after_contact_work"),
    ("any", "a report that is late", "reports_on_an_offer_that_is_over_change_nothing_and_are_counted"),
];

#[test]
fn every_transition_of_routing_is_taken_by_a_test_that_is_there() {
    for (state, input, test) in [QUEUED, HANDLED].into_iter().flatten() {
        let name = format!("fn {test}(");
        assert!(SOURCES.iter().any(|source| source.contains(&name)), "{state}, {input}: no test {test}");
    }
}
