"""The words of every problem, as `imports.problems.catalogue` says them. Data only.

A problem is three lines: its code and title, what is wrong (with the facts in braces), and what to do.
"""

WORDS = """
# --- the file ---
file_empty: The file is empty
    The file holds no text.
    Export it again and look into it before you upload it.
no_rows: No rows
    The file has a header and no row below it.
    Add at least one row.
file_type: Not a table that we can read
    This is a file of the kind {kind}.
    Save it as CSV or XLSX and upload that.
file_corrupt: The file is damaged
    The archive or workbook cannot be opened, or breaks off.
    Make or export it again, and upload that.
file_encrypted: The file has a password
    The archive or workbook is encrypted.
    Save it without a password.
file_bomb: The file unpacks to far too much
    Its contents are out of all proportion to its size.
    Upload the table itself, as CSV.
several_files: Several files in one archive
    The archive holds {found} files, among them {names}.
    Upload them one by one, or pack only one.
file_missing: The file has gone
    The file {file} is no longer in storage.
    Upload it again.
too_large: The file is too large
    The file has {found} bytes. The limit of this workspace is {limit}.
    Split the file, or ask an admin for a higher limit.
too_few_rows: Too few rows
    The file has {found} rows. A file of this workspace has at least {limit}.
    Add the missing rows, or ask an admin to change the limit.
separator_not_allowed: Separator not allowed
    The columns are parted by {found}. Files of this workspace use {allowed}.
    Save the file with another separator.
column_partly_filled: Column filled in part
    Column {name} is filled in {filled} of {rows} rows; the strict rules of this workspace want all or none.
    Fill the other cells, or map the column to a text.
too_many_rows: Too many rows
    The file has {found} rows. The limit of this workspace is {limit}.
    Split the file, or ask an admin for a higher limit.
too_many_columns: Too many columns
    The file has {found} columns. The limit of this workspace is {limit}.
    Remove the columns that you do not need.
encoding_unreadable: Wrong encoding
    The file is not in {encoding}: lines {lines} cannot be read.
    Choose another encoding.
encoding_unsure: Encoding not sure
    The letters beyond ASCII can be read in several ways: {encodings}.
    Choose the encoding in which names look right, or save the file as UTF-8.
encoding_unknown: Unknown encoding
    {value} is not an encoding that we know.
    Choose one from the list.
nul_bytes: Not a text file
    More than one byte in a hundred is zero, as in a program or a damaged file.
    Export the file again as CSV.
separator_unclear: Separator unclear
    {value} cannot separate cells.
    Choose one character, for example a semicolon.
unclosed_quote: A quote is never closed
    The quote that opens in line {line} is never closed.
    Close it, or choose “no quotes”.
record_too_long: A row is too long
    The row in line {line} is longer than {limit} characters.
    Check the line ends of the file and the separator.
header_line: No table in that line
    A table cannot begin in line {value}: the file has no text from there on, or it is no line number up to {limit}.
    Give the number of the line with the names of the columns.
header_duplicate: Two columns have one name
    These names stand twice in the header: {names}.
    Give every column a name of its own.
header_too_long: A column name is too long
    The column name {name}… has {found} characters. The limit is {limit}.
    Shorten it.
header_quotes: The header cannot be read
    The quotes of the header line do not close.
    Mend the first line of the file.
# --- the mapping ---
two_columns_one_target: Two columns go to one field
    Two columns go to {value}.
    Choose another field for one of them, or skip it.
consent_left_out: A column about consent is left out
    {value}: this looks like who may be written to, and goes nowhere.
    Map it to E-mail status or Phone status, or say that it is left out on purpose.
required_not_mapped: A required field has no column
    No column goes to {value}, which every new contact needs.
    Choose the column, or import with “Update only”.
no_identifier_column: Nothing tells who a row is
    No column goes to {value}.
    Choose the column that says who a row is.
unknown_target: Unknown field
    {value} is not a field of this workspace.
    Choose another one.
no_event_column: Nothing tells what happened
    A file of {task} needs a column for: {value}.
    Choose that column, or bring the file as contacts only.
segment_not_static: A segment has a rule
    {name} is a dynamic segment: its rule says who is in it, so nobody can be added.
    Name another segment, or none.
too_many_segments: Too many segments
    The file names {found} segments. At most {limit} are possible.
    Check whether the column really holds segments.
# --- the row ---
too_few_cells: Too few cells
    The row has fewer cells than the header.
    A separator is missing: add the missing cell.
too_many_cells: Too many cells
    The row has more cells than the header.
    Put a cell that holds the separator into quotes.
bad_quotes: Quotes cannot be read
    Text follows a closing quote, so the cells cannot be told apart.
    Double the quotes inside of a cell: "".
required_empty: A required value is missing
    The field is required, and the cell is empty.
    Fill it in, or say under Settings, Fields that the field is not required.
no_identifier: Nobody named
    The row has no e-mail, phone or external ID that can be used.
    Fill in one of them.
ambiguous_match: Points at two contacts
    The identifiers of this row belong to two different contacts.
    Take out the one that is wrong, or merge the two contacts.
shared_identifier: Several contacts share it
    Several contacts have this identifier, and nothing else in the row says which one is meant.
    Add the external ID, or merge the contacts.
duplicate_in_file: Several rows for one person
    Another row of the file is the same person.
    Keep one of the rows, or choose that the last row wins.
duplicate_of_line: Joined into another row
    The row is the same person as line {line} and was joined into it.
    Nothing to do.
contact_deleted: Contact is deleted
    The row matches only a contact that was deleted.
    Restore the contact if it should come back.
contact_suppressed: Person was erased
    The person asked to be erased for good and is not brought back.
    Nothing to do.
unknown_contact: No such contact
    No living contact has the number that the row gives.
    Check the column of contact IDs, or leave the cell empty.
status_kept: Status stays as it is
    The contact's status is stricter than the file's, and consent only becomes stricter.
    Nothing to do. An admin can choose otherwise before an import.
status_of_address: Status comes with the address
    The address or number is known here as {status}, so the contact has that status.
    Nothing to do. Consent belongs to the address, whichever contact has it.
order_without_id: Order without an ID
    The row has cells of an order but no order ID, so that it could not be told from others.
    Fill in the order ID.
event_without_name: Event without a name
    The row has cells of an event, but nothing says what happened.
    Fill in the name, or give one name for all events of the file.
message_without_status: Message without a status
    The row says nothing about what became of the message.
    Write delivered, read, clicked, undelivered, unsubscribed or spam.
mode_create_only: Contact exists already
    The contact is known, and this import only creates new ones.
    Choose “create and update” to change it.
mode_update_only: No such contact
    No contact matches, and this import only updates known ones.
    Choose “create and update” to add it.
# --- the cell ---
formula_without_value: Formula without a value
    The workbook holds a formula here and not what it comes to.
    Open the workbook in a spreadsheet, save it, and upload it again; or write the value instead of the formula.
not_an_email: Not an e-mail address
    This is not an e-mail address.
    Write it as name@example.com.
email_domain_incomplete: E-mail without an ending
    The part after @ has no dot.
    Add the ending, for example .com.
several_emails: Several e-mail addresses
    The cell holds more than one address.
    Keep one, and put others into rows or columns of their own.
email_with_name: More than an address
    The cell holds a name or a link around the address.
    Keep the address alone.
email_too_long: E-mail too long
    An address has at most 254 characters.
    Check it.
not_a_phone: Not a phone number
    This is not a phone number.
    Write it with country code, for example +44 7911 123456.
phone_needs_country: Country of the number unknown
    The number has no + and no country is set for this import.
    Choose a country for numbers without +, or write the country code.
phone_damaged_by_spreadsheet: Number damaged by a spreadsheet
    A spreadsheet has shortened the number, and digits are lost.
    Type the whole number, and format the column as text.
several_phones: Several phone numbers
    The cell holds more than one number.
    Keep one, and put others into rows or columns of their own.
phone_with_letters: Letters in a phone number
    Letters stand between the digits or in their place, and are never dialled.
    Write the number in digits alone.
phone_too_short: Phone number too short
    The number has too few digits for its country.
    Add the missing digits or the country code.
phone_too_long: Phone number too long
    The number has too many digits for its country.
    Take out what does not belong to it.
phone_not_assigned: No such phone number
    No number like this is given out in its country.
    Check the digits and the country.
placeholder_id: A placeholder, not an ID
    This is a word for nothing, not an ID.
    Leave the cell empty.
external_id_too_long: External ID too long
    An external ID has at most 128 characters.
    Check the column.
control_character: Invisible characters
    The cell holds characters that cannot be seen.
    Type the value again.
stacked_marks: Too many marks on one letter
    More than eight marks stand on one letter, so that it would be drawn over other text.
    Type the value again without them.
field_too_long: Text too long
    The text is longer than the field allows.
    Shorten it, or map the column to a long text.
not_an_integer: Not a whole number
    This is not a whole number.
    Write digits only, for example 42.
not_a_number: Not a number
    This is not a number.
    Write digits with a point, for example 12.50.
number_with_comma: Number with a comma or groups
    A sign in it can be read as the point or as groups of thousands.
    Write 1234.50, without groups.
number_with_currency: Number with a currency
    The cell holds a currency beside the number.
    Keep the number alone.
number_too_large: Number too large
    The number has more digits than can be kept.
    Map the column to a text.
number_other_format: Number in another format
    The number is not written as the column says.
    Write it as the column says: {example}. Or choose another format for the column.
integer_not_strict: Integer against the strict rules
    By the strict rules of this workspace an integer begins with 1 to 9.
    Write it without sign and leading zeros, and leave a zero out.
not_yes_or_no: Neither yes nor no
    This can be read neither as yes nor as no.
    Write yes or no, true or false, 1 or 0.
not_a_date: Not a date
    This is not a date.
    Write it as 2024-05-31.
date_ambiguous: Date can be read both ways
    Day and month can be swapped.
    Write it as 2024-05-31.
date_without_year: Date without a year
    The value is a day and a month; the field wants the year, too.
    Write it as 2024-05-31, or map the column to the birthday.
date_century_unclear: Year of two digits
    The year may be of one century or the other.
    Write all four digits, or choose how dates of the column are written.
time_zone_unclear: Zone of the time unclear
    Several zones are called {zone}.
    Write the offset, for example 2024-05-31 10:00 +02:00.
date_not_iso: Date not in ISO 8601
    By the strict rules of this workspace a date is written in one way only.
    Write it as 2024-05-31.
date_does_not_exist: Date does not exist
    There is no such day.
    Check day and month.
date_out_of_range: No possible birthday
    A birthday lies between {first} and {last}.
    Check the year.
date_other_format: Date in another format
    The date is not in the format of this column.
    Write it as the column says: {example}.
not_an_option: Not one of the options
    This is not an option of the field.
    Use the ID or the label of an option.
not_a_country: Not a country
    No country is known by this name.
    Write the code, for example GB.
not_a_language: Not a language
    No language is known by this name.
    Write the code, for example en.
not_a_url: Not a web address
    This is not a web address.
    Write it as https://example.com.
not_a_status: Not a status
    This word does not say whether the contact may be written to.
    Write active, not confirmed, unsubscribed, blacklisted or spam.
not_a_contact_id: Not a contact ID
    A contact ID is a whole number.
    Take it from the address of the contact's page.
unknown_name: Name not known
    {value} is not a known {kind} of this workspace.
    Correct the name, or add it under Settings, Sources of data.
segments_unreadable: Segments cannot be read
    A cell names at most {limit} segments, with | between them and 120 characters each.
    Shorten it.
not_a_currency: Not a currency
    A currency has three letters.
    Write it as EUR.
not_a_channel: Not a channel
    No channel of messages is called this.
    Write one of {options}.
not_a_message_status: Not a message status
    This does not say what became of the message.
    Write one of {options}.
items_unreadable: Items cannot be read
    The items of the order are neither a JSON list nor names with | between them.
    Write them as Tent x1 | Stove x2.
# --- the import ---
worker_lost: The work was lost many times
    Workers were stopped {times} times at the same part of the file, which is more than chance.
    Ask your admin whether they have memory enough, then import the file again: nothing is doubled.
unit_failed: A part failed again and again
    The same part of the file failed {times} times.
    Tell your admin, who finds the reason in the worker's log. Importing the file again doubles nothing.
database_error: The database refused a part
    A statement failed ({detail}). Nothing of that part was written.
    Start the import again. If it fails once more, tell your admin.
sum_mismatch: The sum does not add up
    The file has {rows} rows, the outcomes add up to {total}.
    Please report this; the rows that were written are listed.
canceled: Canceled
    Somebody canceled the import. What was written before stays.
    Start it again if it should be complete.
unknown: Another problem
    The problem has no description.
    Please report this.
"""
