// Package conformance holds the local AWS to AWS's behaviour. It is all tests, driven by AWS's own SDK:
//
//   - situations: what AWS answered when it was asked, written down as expectations;
//   - programs: random sequences of operations, which must have the same outcome wherever they run.
//
// Both run on the local AWS always. When the environment names the endpoint of an oracle, DynamoDB Local or MinIO, they
// run on that too (make conformance), and the programs' outcomes are compared. Where an oracle answers as AWS does not,
// differences.md says so, with the reason; the tests read that file and excuse nothing else.
package conformance
