-- Add the people, the landlord and the properties that the demo's working day is about.
INSERT INTO platform.users (user_id, name, email, phone, push_token, channels) VALUES
('user-lena', 'Lena Landlord', 'lena@hillside.example', '+15550100', NULL, '{email}'),
('user-leo', 'Leo Landlord', 'leo@hillside.example', '+15550101', 'device-leo', '{email,push}'),
('user-olga', 'Olga Operations', 'olga@hillside.example', '+15550102', NULL, '{email}'),
('user-tom', 'Tom Tenant', 'tom@mail.example', '+15550103', 'device-tom', '{sms,push}'),
('user-tina', 'Tina Tenant', 'tina@mail.example', NULL, NULL, '{email,sms}'),
('user-carl', 'Carl Contractor', 'carl@pipes.example', '+15550105', NULL, '{email,sms}'),
('user-cora', 'Cora Contractor', 'cora@refused.example', '+15550106', NULL, '{email}');

INSERT INTO platform.landlords (landlord_id, name) VALUES
('landlord-hillside', 'Hillside Homes');

INSERT INTO platform.members (landlord_id, user_id, role) VALUES
('landlord-hillside', 'user-lena', 'LANDLORD'),
('landlord-hillside', 'user-leo', 'LANDLORD'),
('landlord-hillside', 'user-olga', 'OPS'),
('landlord-hillside', 'user-tom', 'TENANT'),
('landlord-hillside', 'user-tina', 'TENANT'),
('landlord-hillside', 'user-carl', 'CONTRACTOR'),
('landlord-hillside', 'user-cora', 'CONTRACTOR');

INSERT INTO platform.properties (property_id, landlord_id, address) VALUES
('property-hill-1', 'landlord-hillside', '1 Hill Street, flat 1'),
('property-hill-2', 'landlord-hillside', '1 Hill Street, flat 2'),
('property-dale-7', 'landlord-hillside', '7 Dale Road');
