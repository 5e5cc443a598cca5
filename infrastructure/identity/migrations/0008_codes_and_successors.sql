-- A code is good for the user that it was made for: who signs up with the address later is another.
-- None where a courier of 0.1.0 has made it, while both run: it is good for nobody.
ALTER TABLE mail_codes ADD COLUMN user_id uuid;
UPDATE mail_codes SET user_id = users.user_id FROM users WHERE users.email_key = mail_codes.email_key;

-- Of a used token: what its successor was made with, besides the token itself and the secret key.
ALTER TABLE refresh_tokens ADD COLUMN salt bytea;

-- How far a mail came with the mail server when it failed.
ALTER TABLE outbox_mails ADD COLUMN stage text;
