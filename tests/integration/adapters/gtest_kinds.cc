/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtest_kinds: tests of GoogleTest of all kinds. Those whose names begin with Leaks pass, and leak; those that
 * begin with Fails fail anyway. With an argument the program's environment leaks.
 */
#include <gtest/gtest.h>

#include <seep/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "block.h"

namespace
{

char *kept;
std::string cache;

TEST(Kinds, LeaksABlock)
{
	lose_block(101);
}

TEST(Kinds, FreesABlock)
{
	freed_block block(102);

	EXPECT_EQ(block.start[0], 1);
}

TEST(Kinds, LeaksInAThread)
{
	std::thread([] { lose_block(103); }).join();
}

TEST(Kinds, FreesInAThread)
{
	std::thread([] { freed_block block(104); }).join();
}

TEST(Kinds, KeepsWhatStaticsHold)
{
	kept = make_block(105);
	cache.assign(5000, 'x');
	EXPECT_EQ(lazily_made()[0], 1);
}

TEST(Kinds, UsesThemAgain)
{
	cache += std::string(50000, 'y');
	EXPECT_EQ(lazily_made()[0], 1);
}

TEST(Kinds, CatchesAnException)
{
	SCOPED_TRACE(std::string(100, 't'));
	freed_block block(106);
	EXPECT_THROW(throw std::runtime_error(std::string(200, 'e')), std::runtime_error);
	RecordProperty("key", std::string(100, 'v'));
}

TEST(Kinds, FailsAndLoses)
{
	lose_block(107);
	EXPECT_EQ(std::string(100, 'a'), std::string(100, 'b'));
}

TEST(Kinds, FailsByAnException)
{
	lose_block(108);
	throw std::runtime_error("thrown");
}

TEST(Kinds, IsSkipped)
{
	GTEST_SKIP() << "not today";
}

/* What a death test's child allocates and loses is nobody's leak. */
TEST(KindsDeathTest, DiesInAFork)
{
	GTEST_FLAG_SET(death_test_style, "fast");
	EXPECT_DEATH(
		{
			lose_block(109);
			std::abort();
		},
		"");
}

TEST(KindsDeathTest, DiesInANewProcess)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	EXPECT_EXIT(
		{
			lose_block(110);
			std::_Exit(3);
		},
		testing::ExitedWithCode(3), "");
}

TEST(KindsDeathTest, LeaksBesideADeath)
{
	GTEST_FLAG_SET(death_test_style, "fast");
	lose_block(111);
	EXPECT_DEATH(std::abort(), "");
}

class Fixture : public testing::Test
{
      protected:
	void SetUp() override
	{
		block = make_block(112);
	}
	void TearDown() override
	{
		std::free(block);
	}
	char *block;
};

TEST_F(Fixture, FreesInTearDown)
{
	EXPECT_EQ(block[0], 1);
}

TEST_F(Fixture, LeaksWhatItWasGiven)
{
	block = nullptr;
}

/* Of a suite that gives back what it shares, and of one that does not. */
template <bool gives_back> class Shared : public testing::Test
{
      protected:
	static void SetUpTestSuite()
	{
		block = make_block(113);
	}
	static void TearDownTestSuite()
	{
		if (gives_back)
			std::free(block);
		block = nullptr;
	}
	static char *block;
};
template <bool gives_back> char *Shared<gives_back>::block;
class SuiteFrees : public Shared<true>
{
};
class SuiteLeaks : public Shared<false>
{
};

TEST_F(SuiteFrees, UsesIt)
{
	EXPECT_EQ(block[0], 1);
}
TEST_F(SuiteFrees, UsesItAgain)
{
	EXPECT_EQ(block[0], 1);
}
TEST_F(SuiteLeaks, UsesIt)
{
	EXPECT_EQ(block[0], 1);
}

class Numbers : public testing::TestWithParam<int>
{
};
TEST_P(Numbers, LeaksTwo)
{
	if (GetParam() == 2)
		lose_block(114);
}
INSTANTIATE_TEST_SUITE_P(All, Numbers, testing::Values(1, 2, 3));

template <typename T> class Typed : public testing::Test
{
};
using types = testing::Types<char, long, std::vector<std::string>>;
TYPED_TEST_SUITE(Typed, types);
TYPED_TEST(Typed, LeaksLong)
{
	std::vector<TypeParam> some(100);

	if (std::is_same<TypeParam, long>::value)
		lose_block(115);
}

/* What can still be reached is no leak of the test, but it grows each time. */
TEST(Rounds, GrowsByAVector)
{
	static std::vector<char *> held;
	std::string grows = seep::growing_sites(8, [&] { held.push_back(make_block(117)); });

	EXPECT_TRUE(grows.empty()) << grows;
}

TEST(Rounds, FillsACache)
{
	static char *cached[4];
	int round = 0;

	EXPECT_EQ(seep::growing_sites(20,
				      [&] {
					      char *&block = cached[round++ % 4];

					      if (!block)
						      block = make_block(118);
					      freed_block another(119);
				      }),
		  "");
	EXPECT_EQ(round, 20);
}

TEST(Rounds, Throws)
{
	int round = 0;

	EXPECT_THROW(seep::growing_sites(8,
					 [&] {
						 if (++round == 3)
							 throw std::runtime_error("thrown");
					 }),
		     std::runtime_error);
	EXPECT_EQ(round, 3);
}

class Surroundings : public testing::Environment
{
      public:
	bool is_leaking = false;

      private:
	void SetUp() override
	{
		block = make_block(116);
	}
	void TearDown() override
	{
		if (!is_leaking)
			std::free(block);
		block = nullptr;
	}
	char *block;
};

} // namespace

int main(int argc, char **argv)
{
	auto *surroundings = new Surroundings;

	testing::AddGlobalTestEnvironment(surroundings);
	testing::InitGoogleTest(&argc, argv);
	surroundings->is_leaking = argc > 1;
	return RUN_ALL_TESTS();
}
