{# Of the rows of a CTE `judged`, with a column for each of `checks` that says whether it fails: who fails which. #}
{% macro failed_checks(checks) -%}
select
        scenario_id,
        replicate_id,
        unnest([
            {%- for check in checks %}
            case when {{ check }} then '{{ check }}' end
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ]) as check_name,
        employee_id
    from judged
    where {{ checks | join(' or ') }}
{%- endmacro %}

{#
  The end of a model that proves a year: it follows a CTE `violations` of scenario_id, replicate_id, check_name (rows
  without one do not count) and employee_id (null: of nobody), and a CTE `scenarios` of those that have the year (a ref
  in here, beside texts that name the year, would make planwise parse anew for each year). One row for each scenario and replicate with the number
  of violations of each of `checks`; any violation is an error that names check, scenario, year, count and an employee,
  whoever runs the model. The error is part of a column of the table, so that no optimizer can leave it out.
#}
{% macro stop_on_violations(checks) -%}
counted as (
    select scenario_id, replicate_id, check_name, count(*) as violations, min(employee_id) as example
    from violations
    where check_name is not null
    group by all
),

summed as (
    select
        s.scenario_id,
        s.replicate_id,
        map_from_entries(list((c.check_name, c.violations)) filter (where c.check_name is not null)) as counts,
        sum(c.violations) as violations,
        string_agg(
            c.check_name || ': ' || c.violations
            || case when c.example is null then '' else ', for example employee ''' || c.example || '''' end,
            '; ' order by c.check_name
        ) as report
    from scenarios as s
    left join counted as c on c.scenario_id = s.scenario_id and c.replicate_id = s.replicate_id
    group by s.scenario_id, s.replicate_id
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    {%- for check in checks %}
    coalesce(counts['{{ check }}'], 0) as {{ check }},
    {%- endfor %}
    case
        when violations > 0 then error(
            '{{ model.name }} failed for scenario ' || scenario_id || ', replicate ' || replicate_id
            || ', year {{ simulation_year() }}: ' || report
        )
        else 'passed'
    end as outcome
from summed
{%- endmacro %}
