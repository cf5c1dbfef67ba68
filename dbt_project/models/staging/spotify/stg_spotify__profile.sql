select
    account_id,
    {{ json_text('payload', 'id') }} as user_id,
    {{ json_text('payload', 'display_name') }} as display_name,
    -- removed in new Development Mode
    {{ json_text('payload', 'country') }} as country,
    {{ json_text('payload', 'product') }} as product
from {{ source('raw_spotify', 'profile') }}
