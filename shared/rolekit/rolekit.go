// Package rolekit renders what an AWS administrator needs to create the role for a provider.
package rolekit

// TrustPolicy x.
func TrustPolicy(gatewayRoleARN string, sites []string) string { return "" }
