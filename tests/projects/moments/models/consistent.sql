select count(distinct invocation) as invocations, count(distinct started) as starts
from (select invocation, started from {{ ref('stamped') }} union all select invocation, started from {{ ref('stamped_too') }})
