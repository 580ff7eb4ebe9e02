//! Which test takes which transition of the tables of the machines: state, input, test. The tests are looked up, so that none is renamed or
//! removed unnoticed.

/// The sources of the tests.
const SOURCES: &[&str] = &[
    include_str!("any_order.rs"),
    include_str!("blocks.rs"),
    include_str!("callbacks.rs"),
    include_str!("centre.rs"),
    include_str!("ending.rs"),
    include_str!("functions.rs"),
    include_str!("holds.rs"),
    include_str!("keys_ahead.rs"),
    include_str!("monitors.rs"),
    include_str!("outbound.rs"),
    include_str!("streaming.rs"),
    include_str!("third_party.rs"),
    include_str!("transfers.rs"),
    include_str!("whole_calls.rs"),
    include_str!("../delivery/tests.rs"),
    include_str!("../flow_run/prompt.rs"),
    include_str!("../invoke/tests.rs"),
    include_str!("../leg/tests.rs"),
];

type Transition = (&'static str, &'static str, &'static str);

const LIVE_CONTACT: &[Transition] = &[
    ("answering", "the leg is up", "a_whole_call_from_answer_to_record"),
    ("answering", "the leg ends", "a_caller_who_gives_up_before_the_call_is_up_leaves_no_record"),
    ("answering", "the leg fails", "an_answer_that_is_never_acknowledged_leaves_a_record"),
    (
        "answering",
        "the leg ends after the answer",
        "a_caller_whose_bye_overtakes_the_acknowledgement_leaves_a_record_of_a_call_that_was_up",
    ),
    ("answering", "the drain is over", "a_drain_ends_a_call_that_is_not_up_yet"),
    ("live", "the leg ends", "the_flow_log_tells_a_vanished_caller_from_a_network_that_failed"),
    ("live", "StopContact, the drain is over", "stop_contact_and_a_server_going_down_end_the_contact"),
    ("live", "the flow is over", "a_whole_call_from_answer_to_record"),
    ("live", "the flow is over, nothing is captured", "a_flow_of_nothing_but_its_end_leaves_a_record"),
    (
        "ending",
        "the last fragment is safe, or the limit",
        "a_record_is_closed_when_the_last_fragment_is_safe_or_after_five_seconds",
    ),
    ("ending, over", "another end", "a_contact_that_is_ending_is_not_ended_again"),
    ("over", "the last state is written", "a_contact_is_over_when_its_last_state_is_written"),
];

const LEG: &[Transition] = &[
    ("invited", "answer", "an_invitation_with_an_offer_is_answered_and_heard_from_that_instant_on"),
    (
        "invited",
        "answer, without an offer",
        "an_invitation_without_an_offer_gets_ours_and_media_begins_with_its_answer",
    ),
    ("invited", "close, ended", "a_leg_that_was_never_answered_is_hung_up_too"),
    ("answering", "confirmed", "an_invitation_with_an_offer_is_answered_and_heard_from_that_instant_on"),
    ("answering", "confirmed, nothing agreed", "a_late_offer_without_an_answer_that_can_be_used_is_no_call"),
    ("answering", "the deadline", "an_answer_that_is_not_confirmed_in_time_ends_the_leg"),
    ("answering", "ended", "a_caller_whose_bye_overtakes_the_acknowledgement_was_connected"),
    ("up", "close", "closing_a_leg_hangs_up_and_gives_the_media_up_once"),
    ("up", "ended", "a_far_end_that_left_is_not_hung_up"),
    ("up", "the media is lost or silent", "media_that_is_lost_or_silent_ends_the_leg"),
    ("hanging up", "ended", "closing_a_leg_hangs_up_and_gives_the_media_up_once"),
    ("up", "an offer", "hold_is_answered_and_told_to_the_media_in_every_form"),
    (
        "up",
        "an offer that cannot be answered",
        "an_offer_that_cannot_be_answered_is_refused_and_the_call_goes_on_as_it_was",
    ),
    (
        "up",
        "the offer is left to us",
        "an_invitation_in_mid_call_without_an_offer_gets_all_that_we_are_capable_of_also_on_hold",
    ),
    (
        "up",
        "an answer",
        "the_answer_to_a_refresh_that_the_sip_side_made_is_an_answer_to_our_last_description",
    ),
    ("up", "an offer of ours failed", "an_offer_of_ours_that_fails_leaves_the_session_as_it_was"),
    (
        "invited, hanging up, over",
        "an offer, an answer",
        "every_offer_is_refused_before_the_answer_and_after_the_end",
    ),
];

const FLOW_RUN: &[Transition] = &[
    (
        "a prompt that gives way",
        "a key",
        "a_prompt_that_gives_way_to_keys_is_interrupted_and_the_key_is_kept",
    ),
    (
        "any",
        "the end of a function that is not waited for",
        "a_function_that_is_not_waited_for_holds_up_no_caller",
    ),
    (
        "any",
        "the limit of a function that is not waited for",
        "one_that_never_answers_is_given_up_at_its_limit",
    ),
    ("a prompt", "its end", "a_whole_call_from_answer_to_record"),
    ("a prompt", "its failure", "a_prompt_that_cannot_be_played_takes_the_error_branch"),
    (
        "a prompt",
        "its deadline",
        "a_prompt_without_voice_is_noted_and_one_that_never_ends_does_not_hold_the_caller",
    ),
    ("digits", "the last key", "a_digit_interrupts_the_prompt_of_its_menu"),
    ("digits", "no first key", "a_menu_without_answer_times_out_after_its_prompt"),
    (
        "digits",
        "no further key",
        "a_key_after_each_other_key_keeps_the_block_waiting_and_the_last_one_ends_it",
    ),
    ("digits", "the prompt fails", "a_menu_works_though_its_prompt_cannot_be_played"),
    ("digits", "keys typed ahead", "a_caller_who_knows_the_menus_types_through_them_and_hears_no_question"),
    (
        "a function",
        "its answer, its refusal, its deadline",
        "functions_that_fail_are_late_or_forbidden_take_the_error_branch",
    ),
    (
        "a function",
        "its last failure",
        "a_function_whose_every_attempt_fails_takes_the_error_branch_with_the_last_reason",
    ),
    ("the start of streaming", "the lead-in is safe", "a_whole_call_from_answer_to_record"),
    ("the start of streaming", "it will not be", "a_reached_quota_takes_the_error_branch_with_its_reason"),
    ("the end of streaming", "the last fragment is safe", "a_whole_call_from_answer_to_record"),
    (
        "the end of streaming",
        "the deadline",
        "a_stop_block_waits_two_seconds_and_then_goes_on_with_the_last_fragment_known",
    ),
    ("anything", "another key", "keys_that_come_before_the_acknowledgement_and_beyond_a_question_are_kept"),
    ("anything", "anything else", "no_order_of_events_strands_a_caller_or_leaves_a_capture_open"),
];

const PROMPT: &[Transition] = &[
    ("silent", "start", "a_prompt_is_prepared_played_and_heard"),
    ("silent", "stop, prepared", "what_is_silenced_reports_nothing"),
    ("preparing", "start", "a_prompt_takes_the_place_of_the_one_before_it"),
    ("preparing", "prepared", "a_prompt_is_prepared_played_and_heard"),
    ("preparing, playing", "failed", "one_that_cannot_be_prepared_or_breaks_while_it_plays_has_failed"),
    ("preparing", "the deadline", "one_that_is_not_ready_in_time_has_failed_and_is_not_played_later"),
    ("playing", "start", "a_prompt_takes_the_place_of_the_one_before_it"),
    ("playing", "finished", "a_prompt_is_prepared_played_and_heard"),
    ("playing", "the deadline", "one_whose_end_is_not_reported_is_stopped_and_counts_as_heard"),
];

const STREAMING: &[Transition] = &[
    ("idle", "start", "a_whole_call_from_answer_to_record"),
    ("idle", "stop", "a_stop_without_start_succeeds"),
    ("idle", "opened", "an_upload_that_opens_after_its_start_block_has_failed_is_dropped_unused"),
    ("opening", "stop", "a_call_that_ends_during_the_start_block_still_records_what_was_captured"),
    ("opening", "opened, acknowledged", "a_whole_call_from_answer_to_record"),
    ("opening", "acknowledged, no stream", "an_acknowledgement_of_no_stream_says_nothing"),
    ("opening", "failed", "a_reached_quota_takes_the_error_branch_with_its_reason"),
    ("opening", "closed", "an_upload_that_ends_before_its_first_fragment_is_safe_has_not_started"),
    ("opening", "the deadline", "a_start_block_waits_five_seconds_for_the_lead_in_and_no_longer"),
    ("running", "start", "a_second_start_succeeds_with_the_same_values"),
    ("running", "stop", "a_start_after_a_stop_is_a_capture_of_its_own"),
    ("running", "stop of one track", "what_the_customer_hears_can_be_stopped_alone"),
    ("running", "failed", "a_capture_that_breaks_is_tried_again_and_the_call_goes_on"),
    ("running", "closed", "a_capture_that_goes_on_in_another_stream_has_two_entries"),
    (
        "reopening, broken",
        "stop",
        "a_contact_that_ends_while_a_capture_is_tried_again_is_recorded_up_to_the_break",
    ),
    ("reopening", "opened, acknowledged", "a_capture_that_breaks_is_tried_again_and_the_call_goes_on"),
    ("reopening", "failed", "a_capture_that_breaks_is_tried_again_and_the_call_goes_on"),
    ("reopening", "the deadline", "an_attempt_to_go_on_that_opens_late_belongs_to_the_capture_that_broke"),
    ("broken", "stop of one track", "tracks_that_were_stopped_stay_so_after_a_break"),
    ("broken", "the deadline", "the_pauses_between_attempts_double_up_to_sixteen_seconds"),
    ("closing", "opened", "an_attempt_to_go_on_that_opens_late_belongs_to_the_capture_that_broke"),
    (
        "closing",
        "acknowledged",
        "fragments_that_come_to_a_stream_after_the_start_block_has_failed_are_in_the_record",
    ),
    (
        "closing",
        "acknowledged, another runs",
        "what_a_failed_start_block_left_does_not_hide_the_capture_that_runs",
    ),
    ("closing", "failed, closed", "a_record_is_closed_when_the_last_fragment_is_safe_or_after_five_seconds"),
    (
        "closing",
        "the deadline",
        "a_stop_block_waits_two_seconds_and_then_goes_on_with_the_last_fragment_known",
    ),
    ("closing", "too many", "captures_that_close_are_remembered_up_to_a_limit"),
    ("any", "finished", "the_ledger_of_a_capture_is_kept_with_the_contact"),
];

const INVOCATION: &[Transition] = &[
    (
        "not waited for",
        "an answer",
        "a_function_that_is_not_waited_for_may_take_a_minute_and_answer_anything",
    ),
    (
        "attempt 1 or 2",
        "a transient error",
        "a_transient_error_is_tried_again_at_once_within_what_is_left_of_the_blocks_limit",
    ),
    ("attempt 3", "a transient error", "three_attempts_are_made_in_all"),
    (
        "any attempt",
        "an answer",
        "a_transient_error_is_tried_again_at_once_within_what_is_left_of_the_blocks_limit",
    ),
    ("any attempt", "an answer that is none", "an_answer_that_is_no_json_or_too_large_fails"),
    ("any attempt", "a refusal, too late", "a_refusal_and_an_attempt_that_took_too_long_are_not_tried_again"),
    ("any attempt", "the deadline", "the_deadline_ends_it_whatever_is_under_way"),
    ("any attempt", "another's result", "an_answer_of_another_attempt_or_invocation_changes_nothing"),
];

const DELIVERY: &[Transition] = &[
    ("idle", "take", "one_write_is_under_way_and_of_what_waits_only_the_newest_counts"),
    ("idle", "written", "another_writes_end_changes_nothing"),
    ("idle", "promise", "a_request_is_answered_by_the_write_that_holds_its_change"),
    ("idle", "too late, give up", "without_a_record_no_request_is_left_waiting"),
    ("a write is under way", "take", "one_write_is_under_way_and_of_what_waits_only_the_newest_counts"),
    ("a write is under way", "written", "a_request_is_answered_by_the_write_that_holds_its_change"),
    (
        "a write is under way",
        "not written",
        "a_failed_write_is_told_to_those_who_wait_and_what_follows_is_written",
    ),
    (
        "a write is under way",
        "too late",
        "a_request_that_comes_after_the_last_state_is_answered_when_that_is_written",
    ),
    ("a state waits", "take", "what_is_to_be_opened_is_opened_and_what_has_ended_stays_so"),
    ("a state waits", "written", "one_write_is_under_way_and_of_what_waits_only_the_newest_counts"),
    ("any", "too many requests", "so_many_requests_may_wait_and_no_more"),
];

const CALLERS: &[Transition] = &[
    ("flow", "the flow is over", "a_flow_of_nothing_but_its_end_leaves_a_record"),
    ("entering", "refused", "a_full_queue_takes_its_own_branch_and_any_other_refusal_the_error_branch"),
    ("queued", "an agent is joined", "while_the_agent_whisper_runs_the_customer_hears_the_queue_flow"),
    (
        "queued",
        "the agent leaves",
        "a_contact_keeps_its_place_when_an_agent_does_not_answer_refuses_or_cannot_be_reached",
    ),
    ("queued", "the queue is gone", "a_queue_that_is_gone_ends_the_contact"),
    (
        "called",
        "answers",
        "an_agent_who_dials_is_on_the_contact_from_the_start_and_talks_after_the_outbound_whisper",
    ),
    (
        "called",
        "does not answer",
        "a_customer_who_is_not_reached_ends_the_contact_with_the_reason_of_the_network_and_no_flow_runs",
    ),
    ("called", "the agent leaves", "an_agent_who_hangs_up_while_the_customer_rings_ends_the_contact"),
    (
        "whisper",
        "its end",
        "a_contact_waits_in_its_queue_until_an_agent_takes_it_and_whispers_run_one_after_the_other",
    ),
    ("talking", "held", "hold_by_the_agents_telephone_plays_the_hold_flow_to_the_customer_alone"),
    ("talking", "the agent leaves, a flow is set", "a_customer_who_remains_goes_on_in_a_contact_of_its_own"),
    (
        "talking",
        "the agent leaves",
        "an_agent_who_leaves_first_ends_the_contact_where_no_flow_is_set_for_who_remains",
    ),
    (
        "calling",
        "the agent leaves",
        "an_agent_who_leaves_while_a_number_rings_leaves_the_customer_to_that_number",
    ),
];

const THIRD_PARTY: &[Transition] = &[
    (
        "called, for a flow",
        "answers",
        "a_third_party_sees_the_callers_own_number_and_has_a_contact_of_its_own",
    ),
    (
        "called, for a flow that ends",
        "answers",
        "a_flow_that_does_not_go_on_is_over_once_they_are_joined_and_the_call_with_the_third_party",
    ),
    (
        "called, for a flow",
        "refuses, its time is over",
        "a_third_party_that_is_not_reached_takes_the_branch_of_its_reason",
    ),
    ("called, for an agent", "answers, refuses", "a_number_is_consulted_like_an_agent"),
    (
        "called, for an agent who passes on at once",
        "answers",
        "a_refer_to_a_number_joins_customer_and_third_party_in_the_customers_contact",
    ),
    (
        "called, for an agent",
        "cannot be placed",
        "what_no_one_knows_is_called_as_the_rules_of_the_trunk_allow_and_else_the_customer_stays",
    ),
    ("joined, for a flow that goes on", "it hangs up", "a_flow_goes_on_after_the_third_party_has_hung_up"),
    (
        "any",
        "the customer hangs up",
        "a_customer_who_hangs_up_ends_the_call_of_the_third_party_whether_it_has_answered_or_not",
    ),
    ("looked up", "the customer hangs up", "a_call_that_is_given_up_before_it_has_a_leg_is_dropped"),
];

const TRANSFER: &[Transition] = &[
    (
        "at once, to an agent",
        "the whisper is heard",
        "a_refer_to_an_agent_is_told_how_far_it_is_and_completed_with_the_whisper",
    ),
    (
        "at once, to an agent",
        "no one takes it",
        "a_refer_that_reaches_no_one_leaves_the_customer_with_the_agent",
    ),
    ("at once, to a queue", "taken", "a_refer_to_a_queue_is_completed_when_the_queue_has_taken_the_contact"),
    ("at once, to a queue", "full", "a_queue_that_is_full_leaves_the_customer_with_the_agent"),
    ("at once, to a flow", "-", "a_refer_to_a_flow_is_completed_at_once_and_the_customer_hears_it"),
    ("at once, by the API", "-", "the_api_passes_a_contact_on_under_the_id_that_it_names"),
    (
        "consultation",
        "begins",
        "in_a_consultation_the_agent_hears_what_a_caller_hears_and_the_customer_the_hold_flow",
    ),
    (
        "consultation",
        "REFER with Replaces",
        "a_refer_that_replaces_the_consultation_joins_customer_and_second_agent",
    ),
    (
        "consultation, someone talks",
        "the agent leaves a leg",
        "an_agent_who_hangs_up_either_leg_of_a_consultation_joins_customer_and_second_agent",
    ),
    (
        "consultation, the customer is back",
        "the agent leaves the other leg",
        "an_agent_who_takes_the_customer_back_and_then_hangs_up_the_consultation_keeps_the_customer",
    ),
    (
        "consultation",
        "no one takes it",
        "a_second_agent_who_does_not_answer_leaves_the_customer_with_the_first",
    ),
    (
        "consultation, it rings",
        "the agent leaves both legs",
        "an_agent_who_leaves_while_the_second_one_rings_leaves_the_customer_to_that_one",
    ),
    ("consultation", "the customer leaves", "a_customer_who_hangs_up_during_a_consultation_ends_all_of_it"),
    ("any", "another one", "a_refer_of_the_customer_or_during_another_transfer_is_refused"),
];

const SUPERVISOR: &[Transition] = &[
    ("ringing", "answers", "a_supervisor_hears_customer_and_agent_unheard_in_a_contact_of_its_own"),
    (
        "ringing",
        "does not answer",
        "a_telephone_of_a_supervisor_that_is_not_answered_is_let_go_and_disturbs_no_one",
    ),
    (
        "listens, barges",
        "one more order",
        "one_more_order_makes_the_supervisor_heard_and_another_one_unheard_again",
    ),
    ("any", "the agent's part ends", "a_supervisor_is_let_go_with_the_agents_conversation"),
];

const CALLBACK: &[Transition] = &[
    ("asked for", "taken", "a_flow_creates_a_callback_that_is_linked_and_due_after_its_delay"),
    ("asked for", "refused", "a_callback_that_the_routing_refuses_takes_the_error_branch"),
    (
        "the agent is rung",
        "taken, answered",
        "an_agent_takes_a_callback_then_the_customer_is_called_and_hears_the_outbound_whisper",
    ),
    ("the agent is rung", "not taken", "an_agent_who_does_not_take_a_callback_costs_it_nothing"),
    (
        "the customer is called",
        "no answer",
        "a_customer_who_does_not_answer_a_callback_is_called_again_as_another_contact",
    ),
    ("the customer is called", "refused", "a_customer_who_refuses_a_callback_is_not_called_again"),
];

#[test]
fn every_transition_is_taken_by_a_test_that_is_there() {
    let parties = [CALLERS, THIRD_PARTY, TRANSFER, SUPERVISOR, CALLBACK];
    let all = [LIVE_CONTACT, LEG, FLOW_RUN, PROMPT, STREAMING, INVOCATION, DELIVERY];
    let all = all.into_iter().chain(parties);
    for (state, input, test) in all.flatten() {
        let name = format!("fn {test}(");
        assert!(SOURCES.iter().any(|source| source.contains(&name)), "{state}, {input}: no test {test}");
    }
}
