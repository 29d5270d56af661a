{{ cumulative_table('default_raise_months', 'scenario_raise_months', 'month', 'share') }}
