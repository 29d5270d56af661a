select {{ yearly_columns(vanishing=false) }} from {{ ref('numbers') }}
