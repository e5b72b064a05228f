-- Show a notification inside the platform, once per recipient and cause.
INSERT INTO platform.in_app_notifications (recipient_id, cause, subject, message)
VALUES (%(recipient_id)s, %(cause)s, %(subject)s, %(message)s)
ON CONFLICT (recipient_id, cause) DO NOTHING
