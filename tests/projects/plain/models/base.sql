{{ config(tags=['foundation']) }}
select i as id, case when i % 2 = 0 then 'a' else 'b' end as grade from range(20) as t(i)
