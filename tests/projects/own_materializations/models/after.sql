{{ config(materialized='view') }}
select f.simulation_year, sum(f.marker) as markers, (select count(*) from {{ ref('newest') }}) as newest from {{ ref('filled') }} as f group by all
