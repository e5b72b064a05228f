-- Let all that follows in this transaction see one moment, and change nothing.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
