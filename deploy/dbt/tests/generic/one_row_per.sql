{% test one_row_per(model, columns, required=[], newest=false) %}
{#- Rows that share what should name one row, and rows whose required parts of it are NULL; with newest, of the newest copies of rows alone. #}
select {{ columns | join(', ') }}, count() as copies
from {{ model }}{% if newest %} final{% endif %}
group by {{ columns | join(', ') }}
having copies > 1{% for column in required %} or {{ column }} is null{% endfor %}
{% endtest %}
