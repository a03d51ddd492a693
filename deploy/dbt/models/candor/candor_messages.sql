-- Made by `candor contracts`; do not edit.
select
    month as message_month,
    messages as messages_sent,
    value as messages_of_value,
    value + selling as messages_of_value_or_selling,
    offers,
    owned_offers,
    attention_errors
from {{ source('candor', 'messages_monthly') }}
