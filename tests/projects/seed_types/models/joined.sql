select t.code, s.n, r.n as other from {{ ref('typed') }} as t left join {{ ref('slow') }} as s using (code), {{ ref('renamed') }} as r
