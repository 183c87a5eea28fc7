"""The words of every problem, as `imports.problems.catalogue` says them. Data only.

A problem is three lines: its code and title, what is wrong (with the facts in braces), and what to do.
"""

WORDS = """
# --- the file ---
file_empty: The file is empty
    The file has no content.
    Export it again, and check that it has rows before you upload it.
no_rows: No rows below the header
    The file has a header but no rows.
    Add at least one row below the header.
file_type: Unsupported file type
    We cannot import files of this type: {kind}.
    Save it as CSV or XLSX and upload that file.
file_corrupt: The file is damaged
    The archive or workbook is incomplete or cannot be opened.
    Save or export it again and upload the new file.
file_encrypted: The file is password-protected
    The archive or workbook is encrypted.
    Remove the password and upload the file again.
file_bomb: The archive is too large when unpacked
    Its unpacked content is far too large for a file of its size.
    Upload the table itself as a CSV file.
several_files: Several files in one archive
    The archive contains {found} files, including {names}.
    Upload the files one at a time, or put only one file in the archive.
file_missing: The file is no longer stored
    The file {file} is no longer in storage.
    Upload it again.
disk_full: No room for files
    The server has no room for another file.
    Try again later. The people who run the server are told; nothing that is stored is lost.
storage_full: No storage left in this workspace
    The workspace stores files of {used} bytes. With this one of {found} bytes it would pass its limit of {limit}.
    Wait until files of older imports are deleted, or ask those who run the platform to raise the limit.
contacts_full: Too many contacts
    This import would create {created} contacts. With the {now} there are, the workspace would pass its limit of {limit}.
    Nothing was written. Delete contacts, choose “Update existing only”, or ask those who run the platform for more.
too_large: The file is too large
    The file has {found} bytes. The limit of this workspace is {limit}.
    Split the file, or ask an admin to raise the limit.
too_few_rows: Too few rows
    The file has {found} rows. The minimum in this workspace is {limit}.
    Add the missing rows, or ask an admin to lower the minimum.
separator_not_allowed: Separator not allowed
    Columns are separated by {found}. This workspace only accepts files that use {allowed}.
    Save the file with an accepted separator.
column_partly_filled: Column only partly filled
    Column {name} has values in {filled} of {rows} rows. The strict rules of this workspace require all or none.
    Fill in the empty cells, or map the column to a text field.
too_many_rows: Too many rows
    The file has {found} rows. The limit of this workspace is {limit}.
    Split the file, or ask an admin to raise the limit.
too_many_columns: Too many columns
    The file has {found} columns. The limit of this workspace is {limit}.
    Remove the columns you do not need.
encoding_unreadable: Wrong encoding
    The file is not in {encoding}: lines {lines} cannot be read.
    Choose another encoding.
encoding_unsure: Encoding unclear
    The accented or non-Latin letters in this file can be read in several ways: {encodings}.
    Choose the encoding that shows names correctly, or save the file as UTF-8.
encoding_unknown: Unknown encoding
    {value} is not a supported encoding.
    Choose one from the list.
nul_bytes: Not a text file
    More than one byte in a hundred is zero, which means the file is a program or is damaged.
    Export the data again as CSV.
separator_unclear: Separator unclear
    {value} cannot be used as a separator.
    Choose a single character, for example a semicolon.
unclosed_quote: Closing quote missing
    The quote opened on line {line} is never closed.
    Close the quote in the file, or choose “no quotes”.
record_too_long: Row too long
    The row on line {line} is longer than {limit} characters.
    Check the line endings of the file, and the quotes and separator chosen for it.
header_line: No table starts on this line
    No table can start on line {value}: the rest of the file is empty, or this is not a line number up to {limit}.
    Enter the number of the line that contains the column names.
header_duplicate: Column names are not unique
    The header has these names more than once: {names}.
    Give each column a different name.
header_too_long: Column name too long
    The column name {name}… has {found} characters. The limit is {limit}.
    Shorten the name.
header_quotes: Header cannot be read
    A quote in the header is not closed.
    Correct the quotes in the first line of the file.
# --- the mapping ---
two_columns_one_target: Two columns mapped to one field
    Two columns are mapped to {value}.
    Choose another field for one of them, or skip it.
consent_left_out: Consent column not mapped
    This looks like consent data, but it is not mapped to a field: {value}.
    Map it to E-mail status, Phone status or Ads consent, or confirm that you want to skip it.
required_not_mapped: Required field not mapped
    No column is mapped to {value}, which is required for new contacts.
    Map a column to it, or choose “Update existing only”.
no_identifier_column: No identifier column
    No column is mapped to {value}.
    Map the column that identifies the contact.
unknown_target: Unknown field
    {value} is not a field of this workspace.
    Choose another field.
no_event_column: Event column missing
    A file of {task} needs a column for “{value}”.
    Map that column, or import the file as contacts only.
segment_not_static: Segment is dynamic
    {name} is a dynamic segment. Its rule decides which contacts it contains, so you cannot add contacts to it.
    Choose a static segment, or none.
too_many_segments: Too many segments
    The file names {found} segments. The limit is {limit}.
    Check that the column really contains segments.
# --- the row ---
too_few_cells: Too few cells
    The row has fewer cells than the header.
    Add the missing cell or separator.
too_many_cells: Too many cells
    The row has more cells than the header.
    Put quotes around any cell that contains the separator.
bad_quotes: Quotes cannot be read
    There is text after a closing quote, so it is unclear where the cell ends.
    Write each quote inside a cell twice: "".
required_empty: Required value missing
    This field is required, but the cell is empty.
    Fill in the cell, or make the field optional under Settings, Fields.
contact_limit: No room for another contact
    The contact is new, and the workspace has reached its limit of {limit} contacts.
    Delete contacts, or ask those who run the platform for more. Contacts that are known can be changed.
no_identifier: No identifier in this row
    The row has no usable e-mail, phone or external ID.
    Add at least one of them.
ambiguous_match: Matches two contacts
    The identifiers in this row belong to two different contacts.
    Remove the incorrect identifier, or merge the two contacts.
shared_identifier: Identifier shared by several contacts
    Several contacts have this identifier, and nothing else in the row tells them apart.
    Add the external ID, or merge the contacts.
duplicate_in_file: Same contact in several rows
    Another row of the file identifies the same contact.
    Remove all but one of these rows, or choose that the last row wins.
duplicate_of_line: Combined with another row
    This row identifies the same contact as line {line} and was combined with it.
    You do not need to do anything.
duplicate_of_item: Combined with another item
    This item identifies the same contact as item {index} and was combined with it.
    You do not need to do anything.
contact_deleted: Contact is deleted
    The row only matches a deleted contact.
    Restore the contact if you want to import this row.
contact_suppressed: Person was erased
    A person with this identifier was erased for good and cannot be imported again.
    You do not need to do anything.
unknown_contact: Contact ID not found
    There is no contact with the ID in this row, or it is deleted.
    Check the contact ID column, or leave the cell empty.
status_kept: Status not changed
    The contact's current status is stricter than the status in the file. Imports can only make a status stricter.
    You do not need to do anything. An admin can allow milder statuses in the settings of an import.
status_of_address: Status set by the address
    This address or number is already {status} in this workspace, so the contact gets the same status.
    You do not need to do anything. Consent applies to the address, for every contact that has it.
order_without_id: Order ID missing
    The row has order data but no order ID, so we cannot tell this order from others.
    Fill in the order ID.
event_without_name: Event name missing
    The row has event data but no event name.
    Fill in the name, or set one name for all events in the file.
message_without_status: Message status missing
    The row does not say what happened to the message.
    Write delivered, read, clicked, undelivered, unsubscribed or spam.
mode_create_only: Contact already exists
    This contact already exists, and this import only creates new contacts.
    Choose “Create and update” to update it.
mode_update_only: No matching contact
    No contact matches this row, and this import only updates existing contacts.
    Choose “Create and update” to add it.
# --- the cell ---
formula_without_value: Formula without a result
    The workbook has a formula here, but not its result.
    Open and save the workbook in a spreadsheet program and upload it again, or replace the formula with its value.
not_an_email: Not an e-mail address
    This is not an e-mail address.
    Write it like name@example.com.
email_domain_incomplete: Incomplete e-mail domain
    The part after @ has no dot.
    Add the ending, for example .com.
several_emails: Several e-mail addresses
    The cell contains more than one e-mail address.
    Keep one, and put the others in their own rows or columns.
email_with_name: Extra text around the e-mail address
    The cell contains a name or a link as well as the e-mail address.
    Keep only the address.
email_too_long: E-mail address too long
    An e-mail address can have at most 254 characters.
    Check the address for extra text.
not_a_phone: Not a phone number
    This is not a phone number.
    Write it with a country code, like +44 7911 123456.
phone_needs_country: Country code missing
    The number does not start with +, and no country is set for this import.
    Add the country code, or choose a country for numbers without +.
phone_damaged_by_spreadsheet: Number shortened by a spreadsheet
    A spreadsheet program has shortened this number, and digits are lost.
    Enter the full number, and format the column as text.
several_phones: Several phone numbers
    The cell contains more than one phone number.
    Keep one, and put the others in their own rows or columns.
phone_with_letters: Letters in the phone number
    The number contains letters, which cannot be dialled.
    Write the number with digits only.
phone_too_short: Phone number too short
    The number has too few digits for its country.
    Add the missing digits or the country code.
phone_too_long: Phone number too long
    The number has too many digits for its country.
    Remove the extra digits.
phone_not_assigned: Phone number not in use
    Numbers like this are not assigned in this country.
    Check the digits and the country code.
placeholder_id: Placeholder instead of an ID
    This is a word for “no value”, not an ID.
    Enter the real ID, or leave the cell empty.
external_id_too_long: External ID too long
    An external ID can have at most 128 characters.
    Check that the right column is mapped to the external ID.
not_a_value: Not a value of a field
    A field takes text, a number, true, false, null, or a list of texts and numbers without |.
    Send one of these.
properties_unreadable: Properties cannot be read
    The properties of an event are one JSON object, up to 5 levels deep, with at most {limit} names on each level.
    Send fewer or shorter properties.
control_character: Invisible characters
    The cell contains characters that cannot be displayed.
    Delete the value and type it again.
stacked_marks: Too many accents on one letter
    One letter has more than eight accents or marks, which would cover other text.
    Type the value again without them.
field_too_long: Text too long
    The text is longer than this field allows.
    Shorten it, or map the column to a long text field.
not_an_integer: Not a whole number
    This is not a whole number.
    Use digits only, for example 42.
not_a_number: Not a number
    This is not a number.
    Use digits and a decimal point, for example 12.50.
number_with_comma: Decimal separator unclear
    The comma or point could separate decimals or thousands.
    Write it like 1234.50, without thousands separators.
number_with_currency: Currency in a number
    The cell contains a currency as well as the number.
    Keep only the number.
number_too_large: Number too large
    The number has more digits than we can store.
    Map the column to a text field.
number_other_format: Number in another format
    The number does not have the format chosen for this column.
    Write it like {example}, or choose another format for the column.
integer_not_strict: Whole number not in strict format
    The strict rules of this workspace require whole numbers to start with a digit from 1 to 9.
    Remove the sign and any leading zeros. Leave the cell empty instead of 0.
not_yes_or_no: Not yes or no
    This value means neither yes nor no.
    Write yes or no, true or false, 1 or 0.
not_a_date: Not a date
    This is not a date.
    Write it like 2024-05-31.
date_ambiguous: Day and month unclear
    The day and the month could be the other way round.
    Write it like 2024-05-31.
date_without_year: Year missing
    The value has a day and a month, but this field also needs the year.
    Write it like 2024-05-31, or map the column to the birthday.
date_century_unclear: Two-digit year
    The year could be in either of two centuries.
    Write all four digits of the year, or choose a date format for the column.
time_zone_unclear: Time zone unclear
    Several time zones are called {zone}.
    Write the offset instead, for example 2024-05-31 10:00 +02:00.
date_not_iso: Date not in ISO 8601 format
    The strict rules of this workspace require dates in ISO 8601 format.
    Write it like 2024-05-31.
date_does_not_exist: Date does not exist
    There is no such day in the calendar.
    Check the day and the month.
date_out_of_range: Birthday out of range
    A birthday must be between {first} and {last}.
    Check the year.
date_other_format: Date in another format
    The date does not have the format chosen for this column.
    Write it like {example}, or choose another format for the column.
not_an_option: Not one of the options
    This field has no such option.
    Use the ID or the label of an option.
not_a_country: Unknown country
    We do not know a country by this name.
    Use the two-letter code, for example GB.
not_a_language: Unknown language
    We do not know a language by this name.
    Use the language code, for example en.
not_a_url: Not a web address
    This is not a web address.
    Write it like https://example.com.
not_a_status: Unknown status
    This value does not say whether the contact can be messaged.
    Write active, not confirmed, unsubscribed, blacklisted or spam.
not_a_contact_id: Not a contact ID
    A contact ID is a whole number.
    Copy it from the web address of the contact's page.
unknown_name: Unknown name
    {value} is not a known {kind} in this workspace.
    Correct the name, or add it under Settings, Data sources.
segments_unreadable: Segments cannot be read
    A cell can name at most {limit} segments, separated by |, with up to 120 characters each.
    Shorten the list or the names.
not_a_currency: Not a currency
    A currency code has three letters.
    Use a code like EUR.
not_a_channel: Unknown channel
    There is no message channel with this name.
    Write one of: {options}.
not_a_message_status: Unknown message status
    This value does not say what happened to the message.
    Write one of: {options}.
items_unreadable: Items cannot be read
    The order items must be a JSON list, or names separated by |.
    Write them like Tent x1 | Stove x2.
# --- the import ---
worker_lost: Workers stopped repeatedly
    Workers stopped {times} times while processing the same part of the file.
    Ask your admin to check the memory of the workers, then import the file again. This does not create duplicates.
unit_failed: Part of the file kept failing
    The same part of the file failed {times} times.
    Ask your admin to check the worker log. Importing the file again does not create duplicates.
database_error: Database problem
    A database statement failed ({detail}). Nothing from that part of the file was written.
    Import the file again. If it fails again, tell your admin.
sum_mismatch: Row counts do not match
    The file has {rows} rows, but the outcomes add up to {total}.
    Report this problem. The rows that were written are listed below.
canceled: Canceled
    The import was canceled. Rows that had already been written were not removed.
    To import the remaining rows, import the file again.
unknown: Unknown problem
    This problem has no description.
    Report this problem.
"""
