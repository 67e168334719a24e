package sts

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// PackedLimit is how many bytes session policies and tags may take together once packed. AWS documents
// neither its packing nor its limit, only that tags count and that a policy within 2,048 characters can
// be too large (traps.md 7). Here a policy packs to its JSON without white space, a managed policy to its
// ARN, and a tag to its key, its value and tagOverhead.
const PackedLimit = 2000

const tagOverhead = 4

// packedPercent is the PackedPolicySize of a session: the share of the limit that is used, rounded up.
func packedPercent(asked Requested, tags map[string]string) int {
	used := 0
	if asked.Policy != "" {
		used += compactLength(asked.Policy)
	}
	for _, policyARN := range asked.PolicyARNs {
		used += len(policyARN)
	}
	for key, value := range tags {
		used += len(key) + len(value) + tagOverhead
	}
	return (used*100 + PackedLimit - 1) / PackedLimit
}

// utilization is what STS tells of the session token itself, beside the PackedPolicySize that it once told
// alone.
type utilization struct {
	SessionTokenSize        int
	SessionTokenUtilization int
}

func utilizationOf(c Credentials, percent int) utilization {
	return utilization{SessionTokenSize: len(c.SessionToken), SessionTokenUtilization: percent}
}

func compactLength(text string) int {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return len(text)
	}
	return b.Len()
}

// checkPacked returns the PackedPolicySize or refuses what does not fit.
func checkPacked(asked Requested, tags map[string]string) (int, error) {
	percent := packedPercent(asked, tags)
	if percent <= 100 {
		return percent, nil
	}
	if asked.Policy == "" && len(asked.PolicyARNs) == 0 {
		return 0, protocol.NewError(http.StatusBadRequest, "PackedPolicyTooLarge",
			"Packed size of session tags consumes %d%% of allotted space.", percent)
	}
	return 0, protocol.NewError(http.StatusBadRequest, "PackedPolicyTooLarge",
		"Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
}
