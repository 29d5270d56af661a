{{ config(materialized='ephemeral') }}
select id, pay, case when id % 2 = 0 then moment else {{ first_of(2020) }} end as moment from {{ ref('people') }}
