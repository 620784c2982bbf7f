//! What kind of network an address belongs to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The kind of an address, after the special-purpose registries of IANA
/// (RFC 6890). Everything but [`AddressClass::Public`] is refused by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Reachable across the Internet.
    Public,
    /// RFC 1918: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`.
    Private,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// IPv6 for one site: `fc00::/7`, and the retired `fec0::/10`.
    UniqueLocal,
    /// Carrier-grade NAT, RFC 6598: `100.64.0.0/10`.
    CarrierNat,
    /// The service that hands a cloud machine its credentials.
    Metadata,
    /// The IPv4/IPv6 translation prefixes of RFC 6052 and RFC 8215.
    Nat64,
    /// IPv4 dressed up as IPv6: `::ffff:0:0/96`, `::/96`, Teredo, 6to4.
    Embedded,
    /// Many receivers: `224.0.0.0/4`, `ff00::/8`, `255.255.255.255`.
    Multicast,
    /// "This host on this network": `0.0.0.0/8`, `::`.
    Unspecified,
    /// Documentation, benchmarks, unassigned space.
    Reserved,
}

impl AddressClass {
    /// Classifies one address. IPv6 is judged by what is assigned: whatever
    /// lies outside `2000::/3` and has no class of its own is reserved.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Whether a setting may open networks of this class. The others serve no
    /// purpose as a destination, or too good a one to an attacker.
    pub const fn may_be_allowed(self) -> bool {
        match self {
            Self::Public
            | Self::Private
            | Self::Loopback
            | Self::LinkLocal
            | Self::UniqueLocal
            | Self::CarrierNat
            | Self::Reserved => true,
            Self::Metadata | Self::Nat64 | Self::Embedded | Self::Multicast | Self::Unspecified => {
                false
            }
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique-local",
            Self::CarrierNat => "carrier NAT",
            Self::Metadata => "cloud metadata",
            Self::Nat64 => "NAT64",
            Self::Embedded => "IPv4-in-IPv6",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Reserved => "reserved",
        })
    }
}

/// Metadata services. Most lie inside wider special networks, one
/// (168.63.129.16) is public space; none is ever allowed.
const METADATA_V4: &[Ipv4Addr] = &[
    // EC2, Azure, GCP and most others
    Ipv4Addr::new(169, 254, 169, 254),
    // ECS tasks, EKS pods
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Azure's wire server
    Ipv4Addr::new(168, 63, 129, 16),
    // Alibaba Cloud
    Ipv4Addr::new(100, 100, 100, 200),
    // Oracle Cloud, older shapes
    Ipv4Addr::new(192, 0, 0, 192),
];

const METADATA_V6: &[Ipv6Addr] = &[
    // EC2, EKS pods
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // GCP
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), length)
}

/// The IANA IPv4 Special-Purpose Address Registry and class D and E.
const SPECIAL_V4: &[(Ipv4Net, AddressClass)] = &[
    (v4(0, 0, 0, 8), AddressClass::Unspecified),
    (v4(10, 0, 0, 8), AddressClass::Private),
    (v4(100, 64, 0, 10), AddressClass::CarrierNat),
    (v4(127, 0, 0, 8), AddressClass::Loopback),
    (v4(169, 254, 0, 16), AddressClass::LinkLocal),
    (v4(172, 16, 0, 12), AddressClass::Private),
    (v4(192, 0, 0, 24), AddressClass::Reserved),
    (v4(192, 0, 2, 24), AddressClass::Reserved),
    (v4(192, 88, 99, 24), AddressClass::Reserved),
    (v4(192, 168, 0, 16), AddressClass::Private),
    (v4(198, 18, 0, 15), AddressClass::Reserved),
    (v4(198, 51, 100, 24), AddressClass::Reserved),
    (v4(203, 0, 113, 24), AddressClass::Reserved),
    (v4(224, 0, 0, 4), AddressClass::Multicast),
    (
        Ipv4Net::new_assert(Ipv4Addr::BROADCAST, 32),
        AddressClass::Multicast,
    ),
    (v4(240, 0, 0, 4), AddressClass::Reserved),
];

/// Special parts of IPv6, the narrower before the wider.
const SPECIAL_V6: &[(Ipv6Net, AddressClass)] = &[
    (
        Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128),
        AddressClass::Unspecified,
    ),
    (
        Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
        AddressClass::Loopback,
    ),
    (v6(0, 0, 0, 96), AddressClass::Embedded),
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
        AddressClass::Embedded,
    ),
    // RFC 2765, translation without state
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
        AddressClass::Embedded,
    ),
    (v6(0x64, 0xff9b, 0, 96), AddressClass::Nat64),
    (v6(0x64, 0xff9b, 1, 48), AddressClass::Nat64),
    // Teredo
    (v6(0x2001, 0, 0, 32), AddressClass::Embedded),
    (v6(0x2001, 0, 0, 23), AddressClass::Reserved),
    (v6(0x2001, 0xdb8, 0, 32), AddressClass::Reserved),
    // 6to4
    (v6(0x2002, 0, 0, 16), AddressClass::Embedded),
    (v6(0x3fff, 0, 0, 20), AddressClass::Reserved),
    (v6(0xfc00, 0, 0, 7), AddressClass::UniqueLocal),
    (v6(0xfe80, 0, 0, 10), AddressClass::LinkLocal),
    (v6(0xfec0, 0, 0, 10), AddressClass::UniqueLocal),
    (v6(0xff00, 0, 0, 8), AddressClass::Multicast),
];

const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    SPECIAL_V4
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map_or(AddressClass::Public, |(_, class)| *class)
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    let otherwise = if GLOBAL_V6.contains(&address) {
        AddressClass::Public
    } else {
        AddressClass::Reserved
    };
    SPECIAL_V6
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map_or(otherwise, |(_, class)| *class)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
