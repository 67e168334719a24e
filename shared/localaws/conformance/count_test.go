package conformance

import "testing"

// leastSituations is how many situations the suite must have at the least.
const leastSituations = 120

// TestCount proves that there are enough situations, and no two of a service with one name.
func TestCount(t *testing.T) {
	counts := map[string]int{
		"S3":       distinct(t, s3Situations()),
		"DynamoDB": distinct(t, dynamoDBSituations()),
		"IAM":      distinct(t, iamSituations()),
		"STS":      distinct(t, stsSituations()),
		"Lambda":   distinct(t, lambdaSituations()),
	}
	total := 0
	for _, count := range counts {
		total += count
	}
	t.Logf("%d situations: %v", total, counts)
	if total < leastSituations {
		t.Errorf("got %d situations, want %d or more", total, leastSituations)
	}
}

// distinct counts situations by their names.
func distinct[S any](t *testing.T, situations []situation[S]) int {
	t.Helper()
	names := make(map[string]bool)
	for _, s := range situations {
		if names[s.name] {
			t.Errorf("two situations are named %q", s.name)
		}
		names[s.name] = true
	}
	return len(names)
}
