select '{{ outside() }}' as word, '{{ var('label') }}' as label, '{{ var('own') }}' as own, '{{ var('given', 'default') }}' as given, {{ var('simulation_year') }} as simulation_year
