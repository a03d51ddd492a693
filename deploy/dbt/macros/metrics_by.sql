{#-
    The SQL for metrics of one model, per group: sums are added up, scores divided after that, and n stands beside each score.

        {{ candor.metrics_by(ref('candor_loyalty'), ['nps', 'validity_rate'], by=['unit', 'answered_on__month']) }}

    `by` names entities, dimensions, and dimensions of time with a step: __day, __week, __month or __year. `where` is SQL over the model's columns.
    It reads the declarations of the metrics themselves, since MetricFlow writes no SQL for ClickHouse.
-#}
{% macro metrics_by(relation, metrics, by=[], where=none) %}
{%- if execute -%}
    {%- set cube = candor.cube_of(relation) -%}
    {%- set measures = cube.measures | map(attribute='name') | list -%}
    {%- set groups = [] -%}
    {%- for name in by %}{% do groups.append({'name': name, 'sql': candor.group_sql(cube, name)}) %}{% endfor -%}
    {%- set sums = [] -%}
    {%- set columns = [] -%}
    {%- for name in metrics -%}
        {%- set metric = candor.metric_named(name) -%}
        {%- if metric.type == 'ratio' -%}
            {%- set over, under, n = metric.type_params.numerator.name, metric.type_params.denominator.name, metric.config.meta.n -%}
            {%- do sums.extend([over, under, n]) -%}
            {%- do columns.append('toFloat64(sum_of_' ~ over ~ ') / nullIf(toFloat64(sum_of_' ~ under ~ '), 0) as ' ~ name) -%}
            {%- do columns.append('sum_of_' ~ n ~ ' as ' ~ n) -%}
        {%- else -%}
            {%- do sums.append(name) -%}
            {%- do columns.append('sum_of_' ~ name ~ ' as ' ~ name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in sums if name not in measures -%}
        {{ exceptions.raise_compiler_error(relation ~ " has no sum '" ~ name ~ "'") }}
    {%- endfor -%}
select
    {{ (by + (columns | unique | list)) | join(',\n    ') }}
from (
    select
        {% for group in groups %}{{ group.sql }} as {{ group.name }},
        {% endfor %}{% for name in sums | unique %}sum(part.{{ name }}) as sum_of_{{ name }}{{ ',\n        ' if not loop.last }}{% endfor %}
    from {{ relation }} as part
    {%- if where %}
    where {{ where }}
    {%- endif %}
    {%- if by %}
    group by {{ groups | map(attribute='sql') | join(', ') }}
    {%- endif %}
)
{%- endif -%}
{% endmacro %}


{% macro cube_of(relation) %}
{%- for cube in graph.semantic_models.values() if cube.node_relation.alias == relation.identifier -%}
    {{ return(cube) }}
{%- endfor -%}
{{ exceptions.raise_compiler_error("no semantic model is made of " ~ relation) }}
{% endmacro %}


{% macro metric_named(name) %}
{%- for metric in graph.metrics.values() if metric.name == name -%}
    {{ return(metric) }}
{%- endfor -%}
{{ exceptions.raise_compiler_error("there is no metric '" ~ name ~ "'") }}
{% endmacro %}


{% macro group_sql(cube, name) %}
{%- set column, step = name.split('__') if '__' in name else (name, none) -%}
{%- set known = (cube.dimensions + cube.entities) | map(attribute='name') | list -%}
{%- if column not in known %}{{ exceptions.raise_compiler_error(cube.name ~ " cannot be grouped by '" ~ column ~ "'") }}{% endif -%}
{%- set part = 'part.' ~ column -%}
{#- Written as day differences, which keep Date32. -#}
{%- set steps = {none: part, 'day': part, 'week': part ~ ' - (toDayOfWeek(' ~ part ~ ') - 1)', 'month': part ~ ' - (toDayOfMonth(' ~ part ~ ') - 1)', 'year': part ~ ' - (toDayOfYear(' ~ part ~ ') - 1)'} -%}
{%- if step not in steps %}{{ exceptions.raise_compiler_error("no step '" ~ step ~ "': day, week, month or year") }}{% endif -%}
{{ return(steps[step]) }}
{% endmacro %}
