select 'semi;colon' as a, 'it''s -- no comment' as b, $$dollar 'quoted'; -- $$ as c, 'naïve – ü 東京 🙂' as d, e'back\\slash\n' as e
