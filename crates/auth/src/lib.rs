//! AWS Signature Version 4: sign, verify, explain; credentials
