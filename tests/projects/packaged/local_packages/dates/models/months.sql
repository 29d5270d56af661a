select month, name, {{ dates.month_start(var('simulation_year'), 'month') }} as starts, {{ dates.quarter_of('month') }} as quarter
from {{ ref('month_names') }} where month <= {{ var('months') }}
