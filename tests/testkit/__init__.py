"""What tests are made with: databases, servers, clients, people."""
