select a.word, s.simulation_year, (select count(*) from {{ ref('yearly') }}) as years from {{ ref('arrow') }} as a join {{ ref('scaled') }} as s using (n)
