{{ cumulative_table('default_hire_ages', 'scenario_hire_ages', 'age', 'weight') }}
