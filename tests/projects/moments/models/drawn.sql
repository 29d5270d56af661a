select i, random() as draw, uuid() as id, now() as moment from range(3) as t(i) join {{ ref('stamped') }} on true
