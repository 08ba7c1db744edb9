"""OWASP ASVS 4.0.3, level 2: each requirement, and the tests that prove it.

Read TABLE. Below a requirement stand the tests that prove it, as pytest knows them below `tests/`; or, where no test
can, a line that begins with a dash and says why:

- n/a: the thing that it is about does not exist here
- outside: it is for whoever runs the server or builds the release; what we do towards it is said
- review: it is so, and only reading the code can tell
- gap: it is not so, or not as written; why, and what stands in its place

The first chapter, on architecture, asks for documents and reviews alone and is left out. What we hold beyond the
standard is numbered +1, +2, … at the end. `python -m
tests.security.test_asvs` prints how many there are of each.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from app.wiring import ROOT

TABLE: Final = """
2.1.1 A password has at least twelve characters.
    security/test_requests.py::test_password_is_neither_short_nor_endless
    accounts/test_sign_up.py::test_mistakes_keep_what_was_typed
2.1.2 Passwords of 128 characters are taken, longer ones are not.
    security/test_requests.py::test_password_is_neither_short_nor_endless
2.1.3 No password is cut.
    security/test_sources.py::test_long_passwords_are_taken_whole
2.1.4 Any character may be in a password, also spaces and emojis.
    accounts/test_passwords.py::test_password_is_the_same_however_it_was_composed
    web/test_forms.py::test_password_keeps_its_spaces
2.1.5 People can change their password.
    accounts/test_passwords.py::test_change_ends_every_other_session_and_keeps_this_one
2.1.6 Changing it asks for the one they have.
    accounts/test_passwords.py::test_refused_change_leaves_all_as_it_was
2.1.7 Passwords that leaked most are refused wherever one is chosen.
    security/test_sources.py::test_passwords_that_leaked_most_are_refused
    accounts/test_sign_up.py::test_guessable_passwords_are_refused
    accounts/test_invitations.py::test_a_guessable_password_is_refused
2.1.8 A meter helps to choose a strong one.
    accounts/test_passwords.py::test_meter_says_how_strong_a_password_is
    accounts/test_passwords.py::test_meter_and_form_agree_about_what_is_refused
    accounts/test_passwords.py::test_meter_stands_wherever_a_password_is_chosen_and_sends_no_other
    accounts/test_passwords.py::test_meter_is_asked_so_often_and_by_our_own_pages_alone
2.1.9 No mix of letters and signs is asked for.
    accounts/test_passwords.py::test_unusual_passwords_pass
2.1.10 Nobody has to change it by the calendar.
    - n/a: there is no rule about age or former passwords
2.1.11 Password managers and pasting work.
    security/test_sources.py::test_no_script_looks_at_what_is_pasted
2.1.12 What is typed can be shown.
    accounts/test_in_browser.py::test_two_step_is_set_up_and_signed_in_with
2.2.1 Guessing is slowed down by account and by address: at most forty an hour.
    accounts/test_limits.py::test_one_account_cannot_be_guessed_from_many_addresses
    accounts/test_limits.py::test_one_address_cannot_go_through_many_accounts
    accounts/test_limits.py::test_known_and_unknown_accounts_are_limited_alike
    accounts/test_limits.py::test_sign_up_and_reset_are_limited_both_ways
    accounts/test_limits.py::test_limits_hold_while_redis_is_down
    security/test_requests.py::test_spoofed_address_is_not_counted_as_another_one
    security/test_requests.py::test_trusted_proxy_is_believed_about_its_own_visitor_alone
    security/test_requests.py::test_many_addresses_of_one_network_are_counted_as_one
2.2.2 E-mail alone opens nothing where a second step was asked for.
    accounts/test_two_step.py::test_mailed_link_does_not_go_round_the_second_step
2.2.3 Whoever's sign-in changed is told.
    accounts/test_devices.py::test_first_sign_in_with_another_device_is_mailed
    notices/test_noticing.py::test_a_new_device_is_told_to_its_person_alone_in_each_of_their_stores
    accounts/test_two_step.py::test_set_up_from_the_page
    accounts/test_two_step.py::test_recovery_code_works_once_and_is_told
2.3.1 Links that let somebody in the first time are random, short-lived and used once.
    accounts/test_invitations.py::test_what_opens_nothing_looks_all_the_same
    accounts/test_invitations.py::test_a_link_that_is_pressed_by_many_at_once_opens_once
2.3.2 People may bring a device of their own.
    accounts/test_two_step.py::test_set_up_from_the_page
2.3.3 Renewal is asked for in time.
    - n/a: no authenticator here runs out
2.4.1 Passwords are hashed with a salt, by a function made for it.
    security/test_sources.py::test_passwords_cost_what_they_should
    accounts/test_passwords.py::test_older_hash_is_renewed_at_sign_in
2.4.2 Each has a salt of its own.
    security/test_sources.py::test_the_same_password_is_never_stored_the_same
2.4.3 PBKDF2 has enough rounds.
    - n/a: argon2id is used
2.4.4 bcrypt costs enough.
    - n/a: argon2id is used
2.4.5 argon2id costs at least 15 MiB, two rounds and one lane.
    security/test_sources.py::test_passwords_cost_what_they_should
    accounts/test_passwords.py::test_passwords_are_hashed_with_argon2id_at_its_recommended_costs
2.4.6 scrypt costs enough.
    - n/a: argon2id is used
2.5.1 No password is ever mailed; a link is, that sets one.
    accounts/test_passwords.py::test_link_sets_the_password_once_and_ends_every_session
2.5.2 There are no hints and no secret questions.
    - n/a: there are none
2.5.3 Recovery shows no password.
    accounts/test_passwords.py::test_link_sets_the_password_once_and_ends_every_session
2.5.4 There are no shared or default accounts.
    accounts/test_sign_up.py::test_operator_makes_an_owner
2.5.5 A changed factor is told to its owner.
    accounts/test_two_step.py::test_another_phone_takes_over_once_it_has_shown_a_code
    accounts/test_two_step.py::test_new_recovery_codes_end_the_old_ones
2.5.6 Recovery is by a link that is random, hashed, short-lived and used once, and by codes that were kept.
    accounts/test_passwords.py::test_link_runs_out
    accounts/test_passwords.py::test_invented_link_opens_nothing
    accounts/test_passwords.py::test_changed_password_closes_older_links
    accounts/test_limits.py::test_reset_links_cannot_be_guessed_without_end
2.5.7 Who lost the phone proves who they are as strongly as before.
    accounts/test_two_step.py::test_recovery_code_works_once_and_is_told
2.6.1 A recovery code works once.
    accounts/test_two_step.py::test_recovery_code_works_once_and_is_told
2.6.2 Recovery codes are random, salted and hashed.
    security/test_sources.py::test_tokens_and_codes_are_long_enough
    accounts/test_two_step.py::test_database_holds_neither_secret_nor_codes
2.6.3 They cannot be tried out elsewhere.
    accounts/test_two_step.py::test_database_holds_neither_secret_nor_codes
2.7.1 No code is sent by text message.
    - n/a: codes come from an app
2.7.2 A code that was sent runs out after ten minutes.
    accounts/test_two_step.py::test_half_a_sign_in_ends_by_itself_and_with_a_new_password
2.7.3 A code that was sent works once, for what it was asked for.
    - n/a: none is sent
2.7.4 It comes another way than it goes.
    - n/a: none is sent
2.7.5 Of a code that was sent a hash is kept.
    - n/a: none is sent
2.7.6 A code that was sent is random.
    - n/a: none is sent
2.8.1 A code of the app runs out.
    accounts/test_totp.py::test_a_clock_may_be_half_a_minute_wrong
2.8.2 What codes are made from lies sealed.
    accounts/test_two_step.py::test_database_holds_neither_secret_nor_codes
    accounts/test_two_step.py::test_secret_follows_the_keys
2.8.3 Codes are made as the standard says.
    accounts/test_totp.py::test_codes_are_those_of_the_standard
    accounts/test_totp.py::test_secrets_are_long_and_never_the_same
2.8.4 A code counts once.
    accounts/test_two_step.py::test_code_is_accepted_once
    accounts/test_two_step.py::test_of_those_who_bring_a_code_at_once_one_gets_in
2.8.5 A code that comes again is refused and logged, and wrong ones after a right password are told to the person.
    accounts/test_two_step.py::test_fifth_wrong_code_asks_for_the_password_again_and_is_told
    accounts/test_two_step.py::test_codes_cannot_be_tried_without_end
    security/test_logs.py::test_every_try_to_sign_in_is_told
2.8.6 A lost phone is shut out at once, everywhere.
    accounts/test_two_step.py::test_another_phone_takes_over_once_it_has_shown_a_code
2.8.7 A fingerprint is a second factor at most.
    - n/a: none is taken
2.9.1 Keys of cryptographic devices are kept safe.
    - n/a: no such devices
2.9.2 Their challenges are random.
    - n/a: no such devices
2.9.3 Their algorithms are approved.
    - n/a: no such devices
2.10.1 Between our own parts no password stands for ever.
    setup/test_rotating.py::test_everything_of_every_store_opens_with_the_new_key_alone
    api/test_keys.py::test_a_key_is_shown_once_and_works_until_it_is_revoked
2.10.2 No part signs in with a default password.
    setup/test_config.py::test_all_missing_variables_are_named_at_once
2.10.3 Passwords of services lie encrypted.
    setup/test_sealing.py::test_sealed_secrets_cannot_be_read
    sync/test_webhooks.py::test_neither_address_nor_secret_can_be_read_in_the_database
2.10.4 No secret stands in the source.
    setup/test_config.py::test_secrets_are_not_in_the_repr
    setup/test_rotating.py::test_every_column_of_bytes_is_sealed_a_proof_or_no_secret
3.1.1 No token of a session is in an address.
    accounts/test_sign_in.py::test_sign_in_goes_on_to_the_page_that_asked
    security/test_walk.py::test_nothing_leads_away_by_itself
3.2.1 Signing in makes a new token, and so does showing again who one is.
    accounts/test_sign_in.py::test_session_is_rotated_at_sign_in
    accounts/test_sign_in.py::test_what_was_in_the_cookie_before_is_gone
    accounts/test_proving.py::test_old_token_opens_nothing_after_a_proof
3.2.2 Tokens have 256 random bits.
    security/test_sources.py::test_tokens_and_codes_are_long_enough
3.2.3 They are kept in cookies alone.
    security/test_sources.py::test_scripts_make_no_markup_of_words_and_keep_nothing
    accounts/test_sign_in.py::test_cookie_is_kept_from_scripts_other_sites_and_plain_http
3.2.4 They are drawn by the system's own source of chance.
    security/test_sources.py::test_chance_that_keeps_a_secret_is_the_systems_own
3.3.1 Signing out, and time, end a session for good.
    accounts/test_sign_in.py::test_sign_out_ends_the_session_on_the_server
    accounts/test_sign_in.py::test_session_ends_when_its_time_has_come
    accounts/test_sign_in.py::test_no_session_outlives_ninety_days
    security/test_requests.py::test_sign_out_leaves_nothing_in_the_browser_that_opens_anything
    security/test_walk.py::test_what_is_private_is_kept_nowhere
3.3.2 People are asked again who they are, at latest after twelve hours.
    accounts/test_sign_in.py::test_sign_in_lasts_twelve_hours_in_all
    accounts/test_sign_in.py::test_whoever_asks_for_it_stays_signed_in_on_the_device
    accounts/test_two_step.py::test_what_was_ticked_beside_the_password_holds_after_the_code
    - gap: whoever ticks so at sign-in stays for thirty idle days, ninety in all; what could hurt asks again (3.7.1)
    - gap: half an hour without a press ends no sign-in; a till is looked at all day and touched now and then
3.3.3 A new password ends every other session.
    accounts/test_passwords.py::test_change_ends_every_other_session_and_keeps_this_one
    accounts/test_passwords.py::test_link_sets_the_password_once_and_ends_every_session
3.3.4 People see where they are signed in, and can end any of it.
    accounts/test_devices.py::test_list_says_what_is_known_of_each_browser
    accounts/test_devices.py::test_one_is_signed_out_from_afar_and_none_of_others
    accounts/test_devices.py::test_all_others_are_signed_out_at_once
    accounts/test_devices.py::test_signing_out_from_afar_asks_who_one_is
3.4.1 The cookie travels by https alone.
    accounts/test_sign_in.py::test_cookie_is_kept_from_scripts_other_sites_and_plain_http
    security/test_requests.py::test_no_cookie_travels_by_plain_http
3.4.2 No script reads it.
    accounts/test_sign_in.py::test_cookie_is_kept_from_scripts_other_sites_and_plain_http
3.4.3 Other sites do not have it sent along.
    accounts/test_sign_in.py::test_cookie_is_kept_from_scripts_other_sites_and_plain_http
3.4.4 Its name begins with __Host-.
    accounts/test_sign_in.py::test_cookie_is_kept_from_scripts_other_sites_and_plain_http
3.4.5 Its path is as narrow as can be.
    - n/a: the portal has a host of its own, and __Host- asks for the path /
3.5.1 Keys of programs can be taken back.
    api/test_keys.py::test_a_key_is_shown_once_and_works_until_it_is_revoked
3.5.2 Programs bring tokens that end, no lasting keys.
    api/test_keys.py::test_a_key_works_as_long_as_was_chosen
    api/test_keys.py::test_a_key_whose_time_is_over_is_refused_with_words
    notices/test_noticing.py::test_owners_are_told_once_that_a_key_ends_soon
    - gap: a key ends after a year unless another end, or none, is chosen; no program renews its own by itself
3.5.3 Tokens that carry facts are signed.
    accounts/test_sign_in.py::test_database_holds_no_token_that_opens_anything
    channels/test_adding.py::test_a_draft_of_another_store_or_person_is_not_used
3.7.1 What could hurt asks again who one is.
    accounts/test_proving.py::test_what_could_hurt_asks
    accounts/test_proving.py::test_form_that_came_too_late_did_nothing_and_returns_to_its_page
    accounts/test_two_step.py::test_password_alone_opens_nothing_but_the_question
4.1.1 The server decides who may do what.
    tenancy/test_every_route.py::test_route_of_a_store
    tenancy/test_isolation.py::test_role_of_the_application_can_neither_bypass_nor_own
4.1.2 Nobody changes what is decided by.
    accounts/test_staff.py::test_a_role_that_there_is_not_is_refused
    tenancy/test_settings_pages.py::test_plan_is_shown_and_not_taken_from_a_form
    security/test_requests.py::test_form_sets_nothing_but_its_own_fields
4.1.3 Everybody may do what their role says and no more.
    tenancy/test_every_route.py::test_every_route_declares_its_need
    tenancy/test_every_route.py::test_need_is_what_the_table_says
    core/test_roles.py::test_everybody_may_look_and_a_reader_no_more
4.1.5 What fails is refused.
    accounts/test_access.py::test_view_that_declares_nothing_is_opened_by_nobody
    accounts/test_access.py::test_a_database_that_is_away_is_a_page_that_says_to_try_again
    tenancy/test_isolation.py::test_without_a_scope_asking_raises_and_the_tables_are_empty
4.2.1 No number in an address opens what is another store's.
    tenancy/test_every_route.py::test_ids_of_another_store_name_nothing
    tenancy/test_isolation.py::test_every_table_of_a_store_is_guarded_and_led_by_it
    tenancy/test_isolation.py::test_update_and_delete_reach_nothing_of_others
    api/test_orders.py::test_a_key_opens_its_own_store_alone
4.2.2 No other site makes a browser write.
    web/test_security.py::test_write_from_elsewhere_is_refused
    accounts/test_sign_in.py::test_sign_out_is_a_post
4.3.1 Administration can ask for a second step.
    accounts/test_two_step.py::test_store_that_asks_for_it_leads_members_to_set_up
4.3.2 No folder is listed, and no file of a folder's own is shown.
    security/test_requests.py::test_nothing_is_served_that_no_page_names
4.3.3 What is dangerous asks for more.
    accounts/test_proving.py::test_what_could_hurt_asks
    invoices/test_closing.py::*
5.1.1 A field that comes twice means the same everywhere.
    security/test_requests.py::test_first_of_two_equal_fields_counts_everywhere
    security/test_requests.py::test_address_to_go_on_to_is_checked_wherever_it_comes_from
5.1.2 A form sets its own fields alone.
    security/test_requests.py::test_form_sets_nothing_but_its_own_fields
    tenancy/test_settings_pages.py::test_plan_is_shown_and_not_taken_from_a_form
5.1.3 Whatever comes in is held against what may come.
    web/test_garbage.py::test_garbage_in_a_store
    web/test_garbage.py::test_garbage_in_the_address
    web/test_garbage.py::test_ids_that_name_nothing
    sync/test_strange_answers.py::*
5.1.4 Structured data is typed and bounded.
    api/test_orders.py::test_each_mistake_is_told_with_its_pointer
    connectors/test_sitegiant_strange.py::*
5.1.5 Going on leads to our own pages alone.
    web/test_links.py::test_anything_else_is_not
    accounts/test_sign_in.py::test_next_never_leads_elsewhere
    security/test_requests.py::test_forged_host_leads_nowhere
    security/test_requests.py::test_added_slash_never_leads_to_another_host
    security/test_walk.py::test_nothing_leads_away_by_itself
5.2.1 HTML that people write is cleaned.
    - n/a: nobody writes HTML; all text is escaped (5.3.3)
5.2.2 Free text is bounded, and without characters that nobody sees.
    web/test_forms.py::test_character_that_cannot_be_seen_is_a_mistake
    web/test_garbage.py::test_a_form_that_is_too_large_is_refused_with_words
5.2.3 No name adds to a mail's header, or is markup in its body.
    accounts/test_mail.py::test_address_cannot_add_headers
    security/test_mails.py::test_name_is_no_markup_in_a_mail
5.2.4 Nothing from outside is evaluated.
    security/test_sources.py::test_nothing_from_outside_is_run_or_unpacked_into_objects
    web/test_frame.py::test_htmx_is_told_to_evaluate_nothing_and_keep_no_pages
5.2.5 No word is a template.
    security/test_walk.py::test_words_from_outside_are_shown_as_they_are
    security/test_sources.py::test_nothing_from_outside_is_run_or_unpacked_into_objects
5.2.6 Nobody has us call inside: neither by a channel's domain nor by a webhook's address.
    security/test_reaching_out.py::test_domain_of_a_channel_is_refused_before_anybody_is_called
    security/test_reaching_out.py::test_name_that_leads_inside_is_refused_and_nobody_called
    security/test_reaching_out.py::test_name_that_is_public_is_called_by_the_number_that_was_checked
    security/test_reaching_out.py::test_address_of_a_webhook_is_refused
    security/test_reaching_out.py::test_webhook_to_a_name_that_leads_inside_is_not_sent
    security/test_reaching_out.py::test_webhook_follows_nobody_to_another_address
    security/test_reaching_out.py::test_no_cloud_tells_us_its_secrets
    connectors/test_addresses.py::test_the_address_that_was_checked_is_the_one_connected_to
    connectors/test_addresses.py::test_each_new_connection_is_checked_anew
    connectors/test_addresses.py::test_private_addresses_are_for_sandboxes_only
    connectors/test_door.py::test_a_redirect_to_another_host_is_refused_and_the_key_stays_here
    connectors/test_door.py::test_environment_proxies_are_ignored
5.2.7 No drawing from outside runs.
    - n/a: pictures from outside are links, and none is stored or served
5.2.8 No style sheet or markup language is taken from outside.
    - n/a: none is
5.3.1 Words are written as each place needs: pages, addresses, headers, files, mails, the log.
    security/test_walk.py::test_no_word_from_outside_becomes_markup
    security/test_walk.py::test_no_file_runs_a_formula
    security/test_walk.py::test_a_file_is_saved_under_a_name_of_ours
    security/test_mails.py::test_name_is_no_markup_in_a_mail
    security/test_logs.py::test_no_name_begins_another_entry
    orders/test_export.py::test_what_begins_like_a_formula_is_text
    mappings/test_link_files.py::test_names_that_are_formulas_are_not_run_and_find_their_way_back
5.3.2 Every language's letters come through.
    web/test_forms.py::test_text_is_stripped_composed_and_then_filtered
    security/test_logs.py::test_everyday_words_stay_as_they_are
5.3.3 No word becomes markup: stored, sent or in an address.
    security/test_walk.py::test_no_word_from_outside_becomes_markup
    security/test_walk.py::test_what_is_in_the_address_becomes_no_markup
    security/test_walk.py::test_what_is_in_a_form_becomes_no_markup
    security/test_walk.py::test_the_policy_has_nothing_to_refuse
    security/test_sources.py::test_every_template_escapes_everything
    security/test_sources.py::test_scripts_make_no_markup_of_words_and_keep_nothing
5.3.4 Statements take values beside them.
    security/test_sources.py::test_the_linter_looks_for_what_is_dangerous
    tenancy/test_doors.py::test_find_orders_takes_patterns_for_patterns
5.3.5 Where a statement is put together, it is of our own names.
    security/test_sources.py::test_the_linter_looks_for_what_is_dangerous
5.3.6 JSON is data and nothing else.
    security/test_walk.py::test_every_answer_says_what_it_is
    sync/test_live.py::test_nudge_arrives_within_a_second_and_carries_no_data
    sync/test_live.py::test_nonsense_on_the_line_does_no_harm
5.3.7 No word is part of a question to a directory.
    - n/a: there is none
5.3.8 No word is part of a command.
    security/test_sources.py::test_no_command_of_the_system_is_part_of_a_page_or_job
5.3.9 No word is the name of a file.
    security/test_requests.py::test_no_route_takes_a_file_name_from_outside
    security/test_requests.py::test_no_path_leads_out_of_the_static_files
5.3.10 No word is part of XML or XPath.
    security/test_sources.py::test_nothing_from_outside_is_run_or_unpacked_into_objects
5.4.1 Memory is safe.
    - n/a: Python
5.4.2 Format strings are our own.
    - review: sentences are, in the source and in the catalogues of translations
5.4.3 Numbers stay in their range.
    web/test_garbage.py::test_garbage_in_a_store
    core/test_money.py::*
5.5.1 What travels through the browser is signed or sealed.
    channels/test_adding.py::test_a_draft_of_another_store_or_person_is_not_used
    setup/test_sealing.py::test_a_foreign_or_altered_seal_is_broken_and_has_no_date
    catalog/test_item_files.py::test_a_sheet_that_no_look_made_is_refused
5.5.2 XML brings in nothing.
    - n/a: no XML is read
5.5.3 What is read makes plain values and no objects.
    security/test_sources.py::test_nothing_from_outside_is_run_or_unpacked_into_objects
    connectors/test_door.py::test_a_good_answer_that_is_no_json_is_a_failure
5.5.4 JSON is not evaluated in the browser.
    security/test_sources.py::test_scripts_make_no_markup_of_words_and_keep_nothing
    web/test_frame.py::test_htmx_is_told_to_evaluate_nothing_and_keep_no_pages
6.1.1 Personal data is encrypted where it lies.
    - outside: the disk of the database is encrypted by whoever runs it; credentials are sealed by us (2.10.3)
6.1.2 Data about health is encrypted where it lies.
    - n/a: there is none
6.1.3 Data about money is encrypted where it lies.
    - outside: as 6.1.1; card and account numbers are never taken
6.2.1 What cannot be decrypted fails in one way.
    setup/test_sealing.py::test_a_foreign_or_altered_seal_is_broken_and_has_no_date
6.2.2 Known libraries do it.
    setup/test_sealing.py::test_what_was_sealed_opens_again
6.2.3 With their own safe ways.
    setup/test_sealing.py::test_sealed_secrets_cannot_be_read
6.2.4 Keys and costs can be changed at any time.
    setup/test_rotating.py::test_who_was_started_with_the_old_order_goes_on_reading_and_sealing_meanwhile
    setup/test_sealing.py::test_an_old_key_still_opens_and_the_newest_seals
    accounts/test_passwords.py::test_older_hash_is_renewed_at_sign_in
6.2.5 Nothing weak is used.
    security/test_sources.py::test_nothing_from_outside_is_run_or_unpacked_into_objects
6.2.6 Nothing that must be single is used twice.
    security/test_sources.py::test_the_same_secret_is_never_sealed_the_same
6.2.8 Secrets are compared in constant time.
    security/test_sources.py::test_secrets_are_compared_in_constant_time
6.3.1 What must not be guessed is drawn by the system.
    security/test_sources.py::test_chance_that_keeps_a_secret_is_the_systems_own
6.3.2 So are identifiers.
    security/test_sources.py::test_chance_that_keeps_a_secret_is_the_systems_own
6.4.1 Secrets are managed.
    setup/test_config.py::test_a_missing_key_says_how_to_make_one
    setup/test_rotating.py::test_the_command_says_when_the_old_key_may_go
6.4.2 Keys are in a module of their own.
    - gap: they are in the environment of the processes; one file opens what they seal (app/sealing.py)
7.1.1 No secret is logged.
    security/test_logs.py::test_no_secret_is_written_on_the_way_in
    security/test_logs.py::test_no_key_of_a_program_is_written
    security/test_logs.py::test_row_that_the_database_refused_is_left_out
    connectors/test_door.py::test_no_secret_gets_into_an_error_its_context_a_repr_or_the_log
    channels/test_adding.py::test_the_key_is_in_no_page_no_cookie_and_no_log
    setup/test_config.py::test_an_unusable_value_is_refused_by_name_and_not_shown
7.1.2 No e-mail or name is logged.
    security/test_logs.py::test_every_try_to_sign_in_is_told
    accounts/test_mail.py::test_failure_is_a_line_with_a_reference_and_without_the_mail
7.1.3 What matters for safety is logged.
    security/test_logs.py::test_every_try_to_sign_in_is_told
    security/test_logs.py::test_every_refusal_is_told
    security/test_logs.py::test_a_try_that_is_too_large_to_be_read_is_told_as_well
    audit/test_triggers.py::test_an_entry_says_who_from_where_when_and_what_it_was
7.1.4 An entry says enough to follow it up.
    security/test_logs.py::test_every_try_to_sign_in_is_told
    audit/test_pages.py::test_a_form_that_is_saved_is_told_with_who_and_from_where
7.2.1 Every try to come in is logged.
    security/test_logs.py::test_every_try_to_sign_in_is_told
7.2.2 Every refusal is logged.
    security/test_logs.py::test_every_refusal_is_told
7.3.1 Nobody forges an entry.
    security/test_logs.py::test_no_name_begins_another_entry
    security/test_logs.py::test_no_name_tells_a_terminal_what_to_do
    security/test_logs.py::test_traceback_is_below_its_entry_whatever_it_says
7.3.3 Nobody changes one.
    audit/test_triggers.py::test_the_log_cannot_be_rewritten_by_the_application
    audit/test_triggers.py::test_another_store_reads_and_writes_nothing_of_it
    audit/test_pages.py::test_only_owners_and_managers_read_it
7.3.4 Entries are in UTC.
    security/test_logs.py::test_moment_is_utc
7.4.1 Our mistakes show a reference and nothing of the inside.
    web/test_errors.py::test_our_mistake_shows_a_reference_and_no_detail
    web/test_errors.py::test_error_is_a_page
7.4.2 What can go wrong is foreseen.
    connectors/test_door.py::test_each_status_says_what_happens_next
    sync/test_every_fault.py::*
7.4.3 What was not foreseen is caught.
    web/test_errors.py::test_our_mistake_does_not_need_the_frame
8.1.1 Nothing private is kept between the browser and us.
    security/test_walk.py::test_what_is_private_is_kept_nowhere
8.1.2 Copies for a moment are guarded.
    channels/test_sharing.py::test_a_token_lies_sealed_and_under_the_credentials_it_was_given_for
    channels/test_adding.py::test_the_draft_travels_only_to_its_steps_and_no_script_reads_it
8.1.3 Requests carry what is needed and no more.
    - review: forms of one purpose, filters in the address, two cookies and two for looks
8.1.4 Too many requests are noticed.
    api/test_orders.py::test_too_many_calls_are_told_to_wait
    links/test_pages.py::test_codes_are_tried_so_often_and_no_more
    security/test_logs.py::test_every_refusal_is_told
8.2.1 Browsers keep nothing private.
    security/test_walk.py::test_what_is_private_is_kept_nowhere
8.2.2 Nothing private is stored in the browser.
    security/test_sources.py::test_scripts_make_no_markup_of_words_and_keep_nothing
    web/test_frame.py::test_htmx_is_told_to_evaluate_nothing_and_keep_no_pages
8.2.3 Signing out leaves nothing behind.
    security/test_requests.py::test_sign_out_leaves_nothing_in_the_browser_that_opens_anything
8.3.1 Nothing secret is in an address.
    security/test_sources.py::test_no_form_that_asks_for_a_secret_is_sent_by_its_address
8.3.2 A store can take its data along, and have it erased.
    tenancy/test_leaving.py::test_an_export_holds_every_row_no_secret_and_proves_itself
    tenancy/test_leaving.py::test_a_store_is_erased_whole_and_nothing_of_another
8.3.3 People are told what is kept of them.
    - outside: the notice is of whoever runs the portal, who is the one responsible
8.3.4 What is sensitive is known.
    setup/test_rotating.py::test_every_column_of_bytes_is_sealed_a_proof_or_no_secret
    tenancy/test_leaving.py::test_every_table_is_of_a_store_of_two_or_of_none_on_purpose
8.3.5 Taking data out is told.
    audit/test_pages.py::test_every_export_is_told_of_and_has_words
    audit/test_pages.py::test_looking_at_the_code_is_told_once
8.3.6 Secrets are wiped from memory.
    - gap: Python does not promise it
8.3.7 What is encrypted cannot be altered.
    setup/test_sealing.py::test_a_foreign_or_altered_seal_is_broken_and_has_no_date
8.3.8 What is old goes.
    accounts/test_sign_in.py::test_sessions_are_forgotten_a_month_after_their_end_and_no_sooner
    sync/test_webhooks.py::test_what_is_old_is_forgotten
9.1.1 People reach us by TLS alone.
    security/test_requests.py::test_https_is_remembered_whatever_the_proxy_says
    setup/test_config.py::test_plain_http_is_accepted_on_this_machine
9.1.2 Its ciphers are strong.
    - outside: TLS ends at the proxy in front
9.1.3 Its versions are new.
    - outside: TLS ends at the proxy in front
9.2.1 We trust only certificates that can be trusted.
    connectors/test_certificates.py::test_a_self_signed_certificate_says_so
    connectors/test_certificates.py::test_a_certificate_for_another_name_says_so
    security/test_sources.py::test_certificates_are_always_checked
9.2.2 We call by TLS alone.
    security/test_reaching_out.py::test_domain_of_a_channel_is_refused_before_anybody_is_called
    accounts/test_mail.py::test_password_is_not_said_to_a_server_without_the_tls_that_was_asked_for
9.2.3 Both ends know each other.
    sync/test_webhooks.py::test_a_badly_signed_call_is_refused_and_changes_nothing
    hooks/test_sending.py::test_a_call_is_signed_and_written_down
9.2.4 Certificates that were taken back are refused.
    - gap: the libraries ask nobody; what a certificate may open is short-lived
10.2.1 Nothing is told to strangers.
    security/test_sources.py::test_every_script_and_sheet_is_our_own
10.2.2 Pages ask for no camera, microphone or place.
    web/test_security.py::test_headers_are_on_every_answer
10.3.1 Updates are signed.
    - n/a: the portal does not update itself
10.3.2 Only code of our own runs.
    web/test_security.py::test_policy_allows_nothing_inline
    security/test_sources.py::test_every_script_and_sheet_is_our_own
    security/test_sources.py::test_everything_installed_is_named_with_its_hash
10.3.3 No name of ours can be taken over.
    - outside: one host, named in BASE_URL
11.1.1 Steps are taken in their order.
    channels/test_adding.py::test_options_want_a_tested_connection_first
    links/test_handshake.py::test_each_side_does_only_what_is_its_own
11.1.2 Steps are taken at the pace of people.
    - review: no step is worth more when it is fast; presses that come twice count once (11.1.6)
11.1.3 Acts are limited for each person.
    channels/test_adding.py::test_trying_keys_one_after_the_other_is_limited
    accounts/test_invitations.py::test_mails_to_one_address_are_few_whoever_asks
11.1.4 So are programs.
    api/test_orders.py::test_too_many_calls_are_told_to_wait
    web/test_turns.py::test_one_is_drawn_at_a_time_and_the_others_in_their_order
11.1.5 The books forbid what must not happen.
    tenancy/test_isolation.py::test_books_cannot_be_rewritten_by_the_application
    invoices/test_closing.py::*
11.1.6 Two at once do no more than one.
    crash/test_presses.py::test_two_presses_are_as_one
    crash/test_presses.py::test_every_button_is_pressed_here_or_said_to_need_no_test
    accounts/test_staff.py::test_two_owners_at_the_same_moment_leave_one
11.1.7 What nobody should do is noticed.
    security/test_logs.py::test_every_refusal_is_told
    accounts/test_two_step.py::test_fifth_wrong_code_asks_for_the_password_again_and_is_told
11.1.8 Somebody is told.
    accounts/test_devices.py::test_first_sign_in_with_another_device_is_mailed
12.1.1 What is too large is refused.
    web/test_garbage.py::test_a_form_that_is_too_large_is_refused_with_words
    catalog/test_item_files.py::test_a_file_that_is_too_large_is_refused_unread
    sync/test_webhooks.py::test_a_body_that_is_too_large_is_not_taken
12.1.2 What is packed counts by what comes out.
    connectors/test_door.py::test_a_packed_bomb_counts_by_its_unpacked_size
    catalog/test_item_files.py::test_a_sheet_that_no_look_made_is_refused
12.1.3 Nobody fills the disk with files.
    - n/a: a file is read and not kept
12.2.1 A file is what it says it is.
    catalog/test_item_files.py::test_files_that_cannot_be_read_are_refused
    mappings/test_link_files.py::test_no_file_does_worse_than_being_refused
12.3.1 Its name is no path.
    security/test_requests.py::test_no_route_takes_a_file_name_from_outside
    security/test_sources.py::test_the_name_of_an_upload_is_looked_at_nowhere
12.3.2 Its name opens nothing here.
    security/test_sources.py::test_the_name_of_an_upload_is_looked_at_nowhere
12.3.3 Its name opens nothing elsewhere.
    security/test_sources.py::test_the_name_of_an_upload_is_looked_at_nowhere
12.3.4 What is downloaded has a name of ours.
    security/test_walk.py::test_a_file_is_saved_under_a_name_of_ours
    security/test_walk.py::test_answers_to_programs_are_no_pages
12.3.5 Its name is part of no command.
    security/test_sources.py::test_the_name_of_an_upload_is_looked_at_nowhere
12.3.6 Nothing is run from where nobody looked.
    security/test_sources.py::test_everything_installed_is_named_with_its_hash
12.4.1 Files from outside are not where pages are.
    - n/a: they are read and not kept
12.4.2 They are scanned for viruses.
    - n/a: they are read and not kept, and handed on to nobody
12.5.1 Only files of the kinds that pages name are served.
    security/test_requests.py::test_nothing_is_served_that_no_page_names
    security/test_requests.py::test_everything_that_pages_name_is_served
12.5.2 No upload is shown as a page.
    mappings/test_link_files.py::test_what_a_file_says_is_shown_as_text
12.6.1 We call only where we may.
    connectors/test_addresses.py::test_metadata_multicast_and_reserved_addresses_are_never_reached
    security/test_reaching_out.py::test_name_that_leads_inside_is_refused_and_nobody_called
13.1.1 An address is read in one way.
    connectors/test_addresses.py::test_what_is_no_public_domain_is_refused_in_words
    security/test_requests.py::test_request_that_two_servers_may_read_differently_is_refused
    security/test_requests.py::test_header_with_an_underscore_stands_for_no_other
13.1.3 No key is in an address of the API.
    api/test_orders.py::test_without_a_key_that_works_there_is_nothing
13.1.4 Route and row both say who may.
    tenancy/test_every_route.py::test_route_of_a_store
    tenancy/test_isolation.py::test_orm_sees_its_own_rows_only
13.1.5 What is no JSON is refused.
    api/test_orders.py::test_what_is_no_order_is_a_problem
13.2.1 A method does what it may.
    security/test_requests.py::test_only_known_methods_are_answered
    security/test_requests.py::test_method_is_not_overridden
13.2.2 Bodies are held against what they may say.
    api/test_orders.py::test_each_mistake_is_told_with_its_pointer
    api/test_document.py::test_fields_and_words_are_those_of_the_code
13.2.3 A cookie opens nothing of the API.
    api/test_orders.py::test_a_signed_in_browser_is_nobody_here
13.2.5 The kind of the body is looked at.
    api/test_orders.py::test_what_is_no_order_is_a_problem
13.2.6 What others tell us is signed, and so is what we tell them.
    sync/test_webhooks.py::test_a_badly_signed_call_is_refused_and_changes_nothing
    hooks/test_sending.py::test_a_call_is_signed_and_written_down
13.3.1 SOAP is held against its schema.
    - n/a: none
13.3.2 SOAP is signed.
    - n/a: none
13.4.1 GraphQL is bounded.
    - n/a: none
13.4.2 GraphQL decides nothing.
    - n/a: none
14.1.1 Building can be repeated.
    security/test_sources.py::test_everything_installed_is_named_with_its_hash
14.1.2 The compiler looks for what is dangerous.
    - n/a: nothing is compiled
14.1.3 The server is hardened.
    setup/test_checks.py::test_a_role_that_could_bypass_row_level_security_is_found
    setup/test_checks.py::test_an_unguarded_table_is_named
    security/test_requests.py::test_request_that_two_servers_may_read_differently_is_refused
14.1.4 It can be set up again by itself.
    setup/test_cli.py::test_migrate_may_be_run_twice
14.2.1 What is installed is up to date.
    - outside: `make lock` takes the newest; nobody is asked while building
14.2.2 Nothing is there that is not needed.
    security/test_requests.py::test_nothing_is_served_that_no_page_names
    channels/test_adding.py::test_the_sandbox_is_hinted_at_only_where_sandboxes_are_allowed
14.2.3 What comes from elsewhere has a checksum.
    security/test_sources.py::test_every_script_and_sheet_is_our_own
14.2.4 It comes from known places.
    security/test_sources.py::test_everything_installed_is_named_with_its_hash
14.2.5 It is listed.
    security/test_sources.py::test_everything_installed_is_named_with_its_hash
14.2.6 It is held within bounds.
    - review: one file knows each of the outer libraries; import contracts are part of every build
14.3.2 No debugging in production.
    security/test_requests.py::test_nothing_of_the_debugger_is_there
14.3.3 No version is told.
    security/test_requests.py::test_server_does_not_tell_its_version
14.4.1 Every answer says what it is.
    security/test_walk.py::test_every_answer_says_what_it_is
14.4.2 Answers to programs are saved and not shown.
    security/test_walk.py::test_answers_to_programs_are_no_pages
14.4.3 A policy lets nothing inline run.
    web/test_security.py::test_policy_allows_nothing_inline
    security/test_walk.py::test_every_answer_carries_the_headers
    security/test_walk.py::test_the_policy_has_nothing_to_refuse
14.4.4 Browsers guess no kinds.
    security/test_walk.py::test_every_answer_carries_the_headers
14.4.5 Browsers remember that we are reached by https.
    security/test_requests.py::test_https_is_remembered_whatever_the_proxy_says
    web/test_security.py::test_https_alone_is_remembered
    - review: for all names below as well; the portal has a host name of its own (3.4.5)
14.4.6 Other sites hear no address of ours.
    security/test_walk.py::test_every_answer_carries_the_headers
14.4.7 Nobody frames us.
    web/test_security.py::test_policy_allows_nothing_inline
    security/test_walk.py::test_every_answer_carries_the_headers
14.5.1 Only methods that are used are answered, and others are logged.
    security/test_requests.py::test_only_known_methods_are_answered
14.5.2 Origin opens nothing.
    web/test_security.py::test_write_from_here_passes
    tenancy/test_every_route.py::test_route_of_a_store
14.5.3 No other origin reads us.
    security/test_requests.py::test_no_other_site_is_let_in_by_a_preflight
14.5.4 Headers of a proxy are believed only where one was named.
    security/test_requests.py::test_spoofed_address_is_not_counted_as_another_one
    security/test_requests.py::test_trusted_proxy_is_believed_about_its_own_visitor_alone
+1 Beyond it: nobody learns who has an account: not by words, cookies, limits or the work that is done.
    accounts/test_sign_in.py::test_unknown_email_and_wrong_password_get_the_same_answer
    accounts/test_sign_in.py::test_unknown_email_costs_the_same_hashing
    accounts/test_sign_up.py::test_answer_does_not_tell_whether_the_email_is_known
    accounts/test_sign_up.py::test_sign_up_with_a_known_email_changes_nothing_and_opens_nothing
    security/test_requests.py::test_signing_up_costs_the_same_hashing_whoever_has_an_account
    accounts/test_passwords.py::test_forgot_answers_alike_for_known_and_unknown
    accounts/test_passwords.py::test_forgot_does_no_work_that_depends_on_the_address
    accounts/test_invitations.py::test_the_answer_does_not_say_whether_an_address_has_an_account
    accounts/test_limits.py::test_known_and_unknown_accounts_are_limited_alike
    - gap: a newcomer is let straight in, so that whoever is not can conclude it; SIGN_UP=closed ends that
+2 Nobody learns which stores, codes and addresses of ours there are.
    accounts/test_access.py::test_stranger_gets_404_as_for_a_store_that_does_not_exist
    accounts/test_access.py::test_signed_out_cannot_tell_stores_apart
    links/test_handshake.py::test_an_unknown_code_says_nothing_else
    links/test_pages.py::test_codes_are_tried_so_often_from_one_address
    sync/test_webhooks.py::test_an_address_that_nobody_was_given_answers_nothing
+3 No mail leads where a visitor said, whatever Host they sent.
    accounts/test_passwords.py::test_link_begins_with_our_address_whatever_the_visitor_claims
    security/test_requests.py::test_forged_host_leads_nowhere
+4 What a store may not see is not in an answer either: not by number, word or time.
    tenancy/test_isolation.py::test_unions_subqueries_and_ctes_are_scoped
    tenancy/test_doors.py::test_what_is_looked_for_is_another_stores_secret_too
    tenancy/test_estimates.py::test_nobody_counts_which_stores_a_table_holds
"""

_LEVEL_2: Final = """
2.1:1-12 2.2:1-3 2.3:1-3 2.4:1-6 2.5:1-7 2.6:1-3 2.7:1-6 2.8:1-7 2.9:1-3 2.10:1-4
3.1:1 3.2:1-4 3.3:1-4 3.4:1-5 3.5:1-3 3.7:1 4.1:1-3,5 4.2:1-2 4.3:1-3
5.1:1-5 5.2:1-8 5.3:1-10 5.4:1-3 5.5:1-4 6.1:1-3 6.2:1-6 6.3:1-2 6.4:1-2
7.1:1-4 7.2:1-2 7.3:1,3,4 7.4:1-3 8.1:1-4 8.2:1-3 8.3:1-8 9.1:1-3 9.2:1-4 10.2:1-2 10.3:1-3 11.1:1-8
12.1:1-3 12.2:1 12.3:1-6 12.4:1-2 12.5:1-2 12.6:1 13.1:1,3-5 13.2:1-3,5-6 13.3:1-2 13.4:1-2
14.1:1-4 14.2:1-6 14.3:2-3 14.4:1-7 14.5:1-4
"""
REASONS: Final = ("n/a", "outside", "review", "gap")


@dataclass(slots=True)
class Item:
    """A requirement: its number, what it asks for, the tests that prove it, and what is said instead of or beside."""

    number: str
    words: str
    tests: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def items() -> list[Item]:
    """The table, read."""
    found: list[Item] = []
    for line in TABLE.strip().splitlines():
        if not line.startswith(" "):
            number, _space, words = line.partition(" ")
            found.append(Item(number, words))
        elif line.lstrip().startswith("- "):
            found[-1].reasons.append(line.strip()[2:])
        else:
            found[-1].tests.append(line.strip())
    return found


def required() -> Iterator[str]:
    """The numbers of all requirements of levels 1 and 2 from the second chapter on."""
    for section in _LEVEL_2.split():
        chapter, _colon, numbers = section.partition(":")
        for part in numbers.split(","):
            first, _dash, last = part.partition("-")
            yield from (f"{chapter}.{number}" for number in range(int(first), int(last or first) + 1))


@cache
def collected_from(path: str) -> Mapping[str, bool]:
    """The tests that pytest collects from a file below `tests/`: their names, and whether they are left out."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {
        node.name: any("skip" in ast.unparse(mark) or "xfail" in ast.unparse(mark) for mark in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_requirement_is_listed_once() -> None:
    numbers = [item.number for item in items()]
    assert [number for number, many in Counter(numbers).items() if many > 1] == []
    assert set(required()) - set(numbers) == set()


def test_every_requirement_has_a_test_or_a_reason() -> None:
    for item in items():
        assert item.words.endswith("."), item
        assert item.tests or item.reasons, item
        for reason in item.reasons:
            kind, _colon, words = reason.partition(": ")
            assert kind in REASONS, item
            assert words, item


def test_every_test_that_is_named_is_there_and_runs() -> None:
    """Names are held against the files as pytest would collect them, so that the list cannot grow old."""
    for item in items():
        for test in item.tests:
            path, _colons, name = test.partition("::")
            assert re.fullmatch(r"[\w/]+/test_\w+\.py", path), test
            assert (ROOT / "tests" / path).is_file(), f"{item.number}: {path} is gone"
            known = collected_from(path)
            assert known if name == "*" else name in known, f"{item.number}: {test} is gone"
            assert not known.get(name, False), f"{item.number}: {test} is left out"


if __name__ == "__main__":
    tallies = Counter(item.reasons[0].partition(":")[0] if item.reasons else "proved" for item in items())
    print(TABLE, *(f"{kind}: {many}" for kind, many in tallies.items()), sep="\n")  # noqa: T201
