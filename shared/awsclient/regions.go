package awsclient

import (
	"errors"
	"slices"
)

// ErrRegion is returned for a region that is none of the SDK's partitions, or that this deployment does not allow. A
// region becomes part of a host name, so nothing else may pass (trap 21).
var ErrRegion = errors.New("awsclient: not an AWS region that this deployment allows")

// PartitionOf returns the partition ("aws", "aws-cn", ...) that region belongs to, or [ErrRegion]. The pseudo regions of
// global services are not regions.
func PartitionOf(region string) (string, error) {
	switch region {
	case "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
		"ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
		"eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
		"mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2":
		return "aws", nil
	case "cn-north-1", "cn-northwest-1":
		return "aws-cn", nil
	case "eusc-de-east-1":
		return "aws-eusc", nil
	case "us-iso-east-1", "us-iso-west-1":
		return "aws-iso", nil
	case "us-isob-east-1", "us-isob-west-1":
		return "aws-iso-b", nil
	case "eu-isoe-west-1":
		return "aws-iso-e", nil
	case "us-isof-east-1", "us-isof-south-1":
		return "aws-iso-f", nil
	case "us-gov-east-1", "us-gov-west-1":
		return "aws-us-gov", nil
	default:
		return "", ErrRegion
	}
}

// CheckRegion returns [ErrRegion] unless region is a region of this deployment's partition and on its operator's list.
func (c *Clients) CheckRegion(region string) error {
	partition, err := PartitionOf(region)
	if err != nil {
		return err
	}
	if c.options.Partition != "" && partition != c.options.Partition {
		return ErrRegion
	}
	if len(c.options.Regions) > 0 && !slices.Contains(c.options.Regions, region) {
		return ErrRegion
	}
	return nil
}
