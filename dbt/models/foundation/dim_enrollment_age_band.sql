{{ scenario_table('default_enrollment_age_bands', 'scenario_enrollment_age_bands', {
    'min_age': 'min_age',
    'max_age': 'max_age',
    'voluntary_chance_e5': to_e5('voluntary_chance'),
    'opt_out_chance_e5': to_e5('opt_out_chance'),
}) }}
